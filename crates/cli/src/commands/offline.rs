//! The commands that need nothing but the file: `validate`, `expand`, `schema`, `completions`, `version`.

use clap::CommandFactory as _;
use hatoba_model::yaml::emit;
use serde_json::json;

use crate::args::{Cli, Global};
use crate::error::Error;
use crate::session;
use crate::ui::Ui;

pub(crate) fn validate(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let file = session::read(global, ui, None)?;
    session::warn(&file, ui);
    let mut count = 0;
    file.loaded.stack.each(&mut |_, _, _, _| count += 1);
    if ui.json {
        ui.document(&json!({
            "valid": true, "stack": file.loaded.stack.stack, "resources": count,
            "diagnostics": file.loaded.warnings.to_json(&file.source),
        }));
    } else {
        let resources = if count == 1 { "1 resource".to_owned() } else { format!("{count} resources") };
        ui.data(&format!("{} is valid: {resources}\n", global.file.display()));
    }
    Ok(0)
}

pub(crate) fn expand(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let file = session::read(global, ui, None)?;
    if ui.json {
        ui.document(&file.loaded.tree.to_json());
    } else {
        ui.data(&emit(&file.loaded.tree));
    }
    Ok(0)
}

pub(crate) fn schema(ui: &Ui) -> u8 {
    ui.document(&hatoba_model::schema::schema());
    0
}

pub(crate) fn completions(shell: clap_complete::Shell, ui: &Ui) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hatoba", &mut script);
    ui.data(&String::from_utf8_lossy(&script));
    0
}

pub(crate) fn version(ui: &Ui) -> u8 {
    let version = env!("CARGO_PKG_VERSION");
    if ui.json { ui.document(&json!({ "version": version })) } else { ui.data(&format!("hatoba {version}\n")) }
    0
}
