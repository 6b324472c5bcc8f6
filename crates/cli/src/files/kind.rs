//! The kind in the engine's terms.

use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};

/// The field with the text of a file, but for its first line.
pub(super) const CONTENT: &str = "content";

/// A workflow file. Its tags stand in its first line.
pub(crate) static WORKFLOW: KindInfo = KindInfo {
    name: "workflow",
    title: "workflow file",
    create_call: "write file",
    delete_call: "delete file",
    fields: &[Field::update(CONTENT, "write file"), Field::update("tags", "write file")],
    groups: &[Group::new("write file")],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 4,
};
