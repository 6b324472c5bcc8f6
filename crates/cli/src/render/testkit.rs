//! Plans for tests of the renderers.

use hatoba_engine::diff::FieldChange;
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::plan::{Act, Intent, Plan, Step, Why};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::address::Address;

/// A kind with one field of every sort.
pub(crate) static KIND: KindInfo = KindInfo {
    name: "thing",
    title: "thing",
    create_call: "CreateThing",
    delete_call: "DeleteThing",
    fields: &[
        Field::update("size", "PutSize"),
        Field::update("document", "PutDocument"),
        Field::update("parts", "PutParts").sensitive(|path, _| path.trim_end_matches(['"', ']']).ends_with("password")),
        Field::update("rules", "PutRules"),
        Field::replace("description"),
        Field::update("tags", "TagThing"),
    ],
    groups: &[
        Group::new("PutSize"),
        Group::new("PutDocument"),
        Group::new("PutParts"),
        Group::new("PutRules"),
        Group::new("TagThing"),
    ],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 4,
};

/// A plan of these steps.
pub(crate) fn plan(mut steps: Vec<Step>) -> Plan {
    for (id, step) in steps.iter_mut().enumerate() {
        step.id = id;
    }
    Plan {
        stack: "papyrus".into(),
        intent: Intent::Present,
        steps,
        refusals: Vec::new(),
        notes: Vec::new(),
        unchanged: Vec::new(),
        unknown: Vec::new(),
        unread: Vec::new(),
        known: Default::default(),
    }
}

/// A step.
pub(crate) fn step(name: &str, act: Act, why: Why, changes: Vec<FieldChange>) -> Step {
    Step {
        id: 0,
        address: Address::new("thing", name),
        kind: &KIND,
        name: name.into(),
        act,
        why,
        changes,
        after: Vec::new(),
        live: None,
        want: None,
    }
}

/// A step that creates.
pub(crate) fn create(name: &str, changes: Vec<FieldChange>) -> Step {
    step(name, Act::Create { then: Vec::new() }, Why::NotFound, changes)
}

/// A step that changes the groups that its changes name.
pub(crate) fn update(name: &str, changes: Vec<FieldChange>) -> Step {
    let groups = KIND.groups.iter().map(|group| group.name);
    let groups = groups.filter(|group| changes.iter().any(|change| change.call.as_deref() == Some(group))).collect();
    step(name, Act::Update { groups }, Why::FieldsDiffer, changes)
}

/// A step that deletes something that holds this.
pub(crate) fn delete(name: &str, why: Why, holds: Option<&str>) -> Step {
    let mut live = Sighting::new(&KIND, name, name);
    live.holds = holds.map(str::to_owned);
    let mut step = step(name, Act::Delete { empty: holds.is_some() }, why, Vec::new());
    step.live = Some(live);
    step
}

/// A field that is set by a create.
pub(crate) fn set(path: &str, after: Value) -> FieldChange {
    change(path, None, Some(after))
}

/// A difference.
pub(crate) fn change(path: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    let field = KIND.field(path.split(['.', '[']).next().unwrap_or_default());
    let call = field.and_then(|field| match field.on_change {
        hatoba_engine::kind::OnChange::Update(group) => Some(group.to_owned()),
        hatoba_engine::kind::OnChange::Replace => None,
    });
    let hides = |value: &Value| field.is_some_and(|field| field.hides(path, value));
    let sensitive = [&before, &after].into_iter().flatten().any(hides);
    FieldChange { path: path.into(), before, after, call, sensitive }
}
