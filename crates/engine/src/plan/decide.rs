//! What to do with one resource: one table over wish and sightings. Knows nothing of order.

use std::collections::BTreeMap;

use hatoba_model::address::Address;

use crate::desired::{Desired, Goal};
use crate::diff::{FieldChange, creation, differences, settled};
use crate::kind::{Field, OnChange, Ownership, Unset};
use crate::owner::{Mark, Origin, TAG_RETAIN, is_ours};
use crate::snapshot::{Readiness, Sighting};
use crate::value::{Fields, Value};

use super::{Act, Note, Refusal, Why};

/// A decision about one resource.
#[derive(Debug)]
pub(super) enum Decision {
    /// It is as it should be.
    Nothing,
    /// It goes on existing and is left alone, for this reason.
    Leave(Note),
    /// Do this.
    Do(Box<Action>),
    /// Delete and create anew.
    Replace { delete: Box<Action>, create: Box<Action> },
    /// This stands in the way.
    Refuse(Refusal),
}

/// One action, not yet ordered.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) act: Act,
    pub(super) why: Why,
    pub(super) changes: Vec<FieldChange>,
    pub(super) want: Option<Desired>,
}

/// What to do so that `want` exists, where `live` is what bears its name (or its mark).
/// `used` tells who goes on using it, and would be without it while it is replaced.
pub(super) fn present(
    goal: &Goal,
    want: &Desired,
    live: Option<&Sighting>,
    used: &dyn Fn(&Sighting) -> Option<String>,
) -> Decision {
    let Some(live) = live else {
        if want.existing {
            return Decision::Refuse(refusal(
                want,
                format!("the {} `{}` does not exist, and the file says `existing: true`", want.kind.title, want.name),
                "create it by hand, correct its name, or remove `existing: true` so that hatoba creates it",
            ));
        }
        return Decision::Do(Box::new(create(goal, want, Why::NotFound)));
    };
    if want.existing || want.kind.ownership == Ownership::Account {
        return match &live.readiness {
            Readiness::Settling(_) => Decision::Do(Box::new(settle(Why::NotSettled))),
            _ => Decision::Nothing,
        };
    }
    if let Some(mark) = live.mark.as_ref().filter(|mark| !goal.owns(mark)) {
        if want.kind.ownership == Ownership::Shared {
            return shared_with(want, live, mark);
        }
        return Decision::Refuse(refusal(
            want,
            format!("the {} `{}` belongs to {}", want.kind.title, live.name, mark.whose()),
            match &mark.region {
                // That is where the stack was, or where another one of its name is.
                Some(there) if mark.stack == goal.stack => format!(
                    "give this one another `name:`, or use it with `existing: true`; if the stack is to move, take it down in {there} first: \
                     `destroy` with `--region {there}`"
                ),
                _ => "give this one another `name:`, use it with `existing: true`, or remove it from the other stack first"
                    .to_owned(),
            },
        ));
    }
    if let Readiness::Deleting(_) = live.readiness {
        // Its name is free once it is gone. What it was like, and whose it was, no longer matters.
        let gone = Action {
            act: Act::Settle { until: crate::wait::Until::Gone },
            why: Why::NotSettled,
            changes: Vec::new(),
            want: None,
        };
        return Decision::Replace { delete: Box::new(gone), create: Box::new(create(goal, want, Why::NotFound)) };
    }
    let unmarked = live.mark.is_none();
    if unmarked && !want.adopt && want.kind.ownership == Ownership::Tags {
        return Decision::Refuse(refusal(
            want,
            format!("a {} `{}` exists already and is not hatoba's", want.kind.title, live.name),
            "take it over with `adopt: true`, use it untouched with `existing: true`, or choose another `name:`",
        ));
    }
    let origin = live.mark.as_ref().map_or(Origin::Adopted, |mark| mark.origin);
    let mut want = marked(goal, want, origin);
    if origin == Origin::Adopted || want.kind.ownership == Ownership::Shared {
        keep_their_tags(&mut want, live);
    }
    let changes = differences(want.kind, &want.fields, &live.fields);
    if changes.is_empty() {
        return match &live.readiness {
            Readiness::Settling(_) => Decision::Do(Box::new(settle(Why::NotSettled))),
            _ => Decision::Nothing,
        };
    }
    if let Some(fixed) = changes.iter().find(|change| change.call.is_none()) {
        let field = fixed.path.clone();
        return replace(goal, &want, live, field, changes, used, unmarked);
    }
    let groups = want.kind.groups_of(&changes);
    let want = over(&want, live);
    let why = if unmarked { Why::Adopted } else { Why::FieldsDiffer };
    Decision::Do(Box::new(Action { act: Act::Update { groups }, why, changes, want: Some(want) }))
}

/// A thing of which the account has one, and which another stack marked: used, and grown where needed.
fn shared_with(want: &Desired, live: &Sighting, mark: &Mark) -> Decision {
    let mut fields = want.fields.clone();
    fields.retain(|name, _| name != "tags");
    let mut changes = differences(want.kind, &fields, &live.fields);
    changes.retain(|change| {
        change.path != "tags" && !change.path.starts_with("tags.") && !change.path.starts_with("tags[")
    });
    if changes.is_empty() {
        return Decision::Nothing;
    }
    let groups = want.kind.groups_of(&changes);
    if changes.iter().any(|change| change.call.is_none()) || groups.is_empty() {
        return Decision::Refuse(refusal(
            want,
            format!("the {} `{}` belongs to {} and differs", want.kind.title, live.name, mark.whose()),
            "change it there, or remove the difference from this file",
        ));
    }
    let mut want = want.clone();
    if let Some(tags) = live.fields.get("tags") {
        fields.insert("tags".into(), tags.clone());
    }
    want.fields = fields;
    let want = over(&want, live);
    Decision::Do(Box::new(Action { act: Act::Update { groups }, why: Why::FieldsDiffer, changes, want: Some(want) }))
}

fn replace(
    goal: &Goal,
    want: &Desired,
    live: &Sighting,
    field: String,
    changes: Vec<FieldChange>,
    used: &dyn Fn(&Sighting) -> Option<String>,
    unmarked: bool,
) -> Decision {
    let adopted = live.mark.as_ref().is_none_or(|mark| mark.origin == Origin::Adopted);
    if adopted || unmarked {
        return Decision::Refuse(refusal(
            want,
            format!(
                "`{field}` of the {} `{}` cannot be changed in place, and hatoba did not create it",
                want.kind.title, live.name
            ),
            "set the field to what is there, or give this one another `name:` so that a new one is created beside it",
        ));
    }
    if want.retain {
        return Decision::Refuse(refusal(
            want,
            format!(
                "`{field}` of the {} `{}` cannot be changed in place, and `retain: true` keeps it from being deleted",
                want.kind.title, live.name
            ),
            "set the field to what is there, give this one another `name:` so that the old one is let go of, or remove `retain: true`",
        ));
    }
    if let Some(user) = used(live) {
        return Decision::Refuse(refusal(
            want,
            format!(
                "`{field}` of the {} `{}` cannot be changed in place, and {user} uses it",
                want.kind.title, live.name
            ),
            "give it another `name:`: the new one is created first, its users move over, then the old one is deleted",
        ));
    }
    if live.holds.is_some() && !want.on_destroy.may_empty() {
        let holds = live.holds.as_deref().unwrap_or_default();
        return Decision::Refuse(refusal(
            want,
            format!(
                "`{field}` of the {} `{}` cannot be changed in place, and it holds {holds}",
                want.kind.title, live.name
            ),
            "give it another `name:`, or allow the loss with `on_destroy: empty`",
        ));
    }
    let why = Why::MustReplace(field);
    let delete = Action {
        act: Act::Delete { empty: want.on_destroy.may_empty() },
        why: why.clone(),
        changes: Vec::new(),
        want: None,
    };
    let mut create = create(goal, want, why);
    create.changes = changes;
    Decision::Replace { delete: Box::new(delete), create: Box::new(create) }
}

/// What to do with something of ours that must not exist (any more).
pub(super) fn absent(goal: &Goal, address: &Address, live: &Sighting, want: Option<&Desired>, why: Why) -> Decision {
    let note = |text: String, stays: bool| Note { address: address.clone(), name: live.name.clone(), text, stays };
    let Some(mark) = live.mark.as_ref().filter(|mark| goal.owns(mark)) else {
        let text = match (&live.mark, live.kind.ownership) {
            (_, Ownership::Account) => "belongs to the account; never deleted".to_owned(),
            (Some(mark), _) => format!("belongs to {}; left alone", mark.whose()),
            (None, _) => "is not hatoba's; left alone".to_owned(),
        };
        return Decision::Leave(note(text, true));
    };
    if live.kind.ownership == Ownership::Shared && !live.held_by.is_empty() {
        return Decision::Leave(note(format!("kept: still trusted by {}", live.held_by.join(", ")), true));
    }
    if let Readiness::Deleting(_) = live.readiness {
        return Decision::Do(Box::new(Action {
            act: Act::Settle { until: crate::wait::Until::Gone },
            why: Why::NotSettled,
            changes: Vec::new(),
            want: None,
        }));
    }
    let retained = want.map_or(live.is_retained(), |want| want.retain);
    if retained || mark.origin == Origin::Adopted {
        return Decision::Do(Box::new(Action { act: Act::Release, why, changes: Vec::new(), want: None }));
    }
    let empty = want.map_or(live.on_destroy, |want| want.on_destroy).may_empty();
    if let Some(holds) = live.holds.as_ref().filter(|_| !empty) {
        let text = format!("kept: it holds {holds}; `on_destroy: empty` would delete them with it");
        return Decision::Leave(note(text, true));
    }
    Decision::Do(Box::new(Action { act: Act::Delete { empty }, why, changes: Vec::new(), want: None }))
}

fn settle(why: Why) -> Action {
    Action { act: Act::Settle { until: crate::wait::Until::Ready }, why, changes: Vec::new(), want: None }
}

fn create(goal: &Goal, want: &Desired, why: Why) -> Action {
    let want = marked(goal, want, Origin::Created);
    let changes = creation(want.kind, &want.fields);
    let then = want
        .kind
        .groups
        .iter()
        .map(|group| group.name)
        .filter(|group| {
            want.kind.fields.iter().any(|field| {
                !field.at_create && field.on_change == OnChange::Update(group) && needs_call(&want.fields, field)
            })
        })
        .collect();
    Action { act: Act::Create { then }, why, changes, want: Some(want) }
}

/// A field that the create call does not carry needs its own call only if a new resource would not have it by itself.
fn needs_call(fields: &Fields, field: &Field) -> bool {
    match (fields.get(field.name), field.unset) {
        (Some(value), Unset::Default(default)) => field.unsure || *value != default(),
        (Some(Value::List(items)), _) => !items.is_empty(),
        (Some(Value::Map(parts)), _) => !parts.is_empty(),
        (Some(_), _) => true,
        (None, _) => false,
    }
}

/// The wish with its tags and mark among the fields.
fn marked(goal: &Goal, want: &Desired, origin: Origin) -> Desired {
    let mut want = want.clone();
    if want.kind.field("tags").is_some() {
        let mark = Mark { stack: goal.stack.clone(), address: want.address.to_string(), origin, region: None };
        let mut tags: BTreeMap<String, String> = want.tags.clone();
        tags.extend(mark.tags().map(|(key, value)| (key.to_owned(), value)));
        if want.retain {
            tags.insert(TAG_RETAIN.to_owned(), "true".to_owned());
        }
        want.fields.insert("tags".into(), Value::texts(tags));
    }
    want
}

/// What we did not make, or share, keeps the tags that others gave it: they may mean something to them.
fn keep_their_tags(want: &mut Desired, live: &Sighting) {
    let theirs = live.fields.get("tags").and_then(Value::as_map);
    if let (Some(Value::Map(tags)), Some(theirs)) = (want.fields.get_mut("tags"), theirs) {
        for (key, value) in theirs.iter().filter(|(key, _)| !is_ours(key)) {
            tags.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// The wish as it ends up over what is there: with what others own, what only has to be included,
/// and what the file leaves to the server.
fn over(want: &Desired, live: &Sighting) -> Desired {
    let mut want = want.clone();
    for field in want.kind.fields {
        let have = live.fields.get(field.name);
        match (want.fields.get(field.name), field.unset) {
            (Some(value), _) => {
                let value = settled(field, value, have);
                want.fields.insert(field.name.to_owned(), value);
            }
            (None, Unset::Default(default)) => {
                want.fields.insert(field.name.to_owned(), default());
            }
            (None, Unset::Unmanaged | Unset::Absent) => {}
        }
    }
    want
}

fn refusal(want: &Desired, problem: String, help: impl Into<String>) -> Refusal {
    Refusal { address: Some(want.address.clone()), problem, help: help.into() }
}
