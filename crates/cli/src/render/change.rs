//! The steps of a plan as a person thinks of them: one change for each resource.

use hatoba_engine::plan::{Act, Counts, Intent, Plan, Step, Why};

use super::Tone;

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is created.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and created anew.
    Replace,
    /// It is deleted.
    Delete,
    /// Our mark is taken off.
    Release,
    /// It is waited for.
    Wait,
}

impl Action {
    /// The sign in front of the resource.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "±",
            Self::Delete => "-",
            Self::Release => "<",
            Self::Wait => "…",
        }
    }

    /// Its colour.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Create => Tone::Add,
            Self::Update => Tone::Change,
            Self::Replace => Tone::Replace,
            Self::Delete => Tone::Remove,
            Self::Release => Tone::Change,
            Self::Wait => Tone::Faint,
        }
    }
}

/// A change of one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    /// What happens.
    pub(crate) action: Action,
    /// The step; of a replacement, the one that creates.
    pub(crate) step: &'a Step,
    /// Of a replacement, the step that deletes.
    pub(crate) deletes: Option<&'a Step>,
}

/// The changes of a plan. Both halves of a replacement are one change, in the place of the one that creates.
pub(crate) fn changes(plan: &Plan) -> Vec<Change<'_>> {
    let half = |step: &Step, create: bool| {
        matches!(step.why, Why::MustReplace(_))
            && if create { matches!(step.act, Act::Create { .. }) } else { matches!(step.act, Act::Delete { .. }) }
    };
    let other = |step: &Step, create: bool| plan.steps.iter().find(|it| half(it, create) && it.address == step.address);
    let mut changes = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        if half(step, false) && other(step, true).is_some() {
            continue;
        }
        let deletes = if half(step, true) { other(step, false) } else { None };
        let action = match &step.act {
            Act::Create { .. } if deletes.is_some() => Action::Replace,
            Act::Create { .. } => Action::Create,
            Act::Update { .. } => Action::Update,
            Act::Delete { .. } => Action::Delete,
            Act::Release => Action::Release,
            Act::Settle { .. } => Action::Wait,
        };
        changes.push(Change { action, step, deletes });
    }
    changes
}

/// The line that says all: `Plan: 3 to add, 1 to change, 0 to replace, 0 to delete.`
pub(crate) fn summary(plan: &Plan) -> String {
    let Counts { create, update, replace, delete, release } = plan.counts();
    let waits = plan.steps.iter().filter(|step| matches!(step.act, Act::Settle { .. })).count();
    if plan.is_empty() {
        return match plan.intent {
            Intent::Present => {
                let count = plan.unchanged.len();
                format!(
                    "No changes. {count} {} as the file says.",
                    if count == 1 { "resource is" } else { "resources are" }
                )
            }
            Intent::Absent => "Nothing to destroy.".to_owned(),
        };
    }
    let mut parts = vec![
        format!("{create} to add"),
        format!("{update} to change"),
        format!("{replace} to replace"),
        format!("{delete} to delete"),
    ];
    let more = [
        (release, "to let go of"),
        (waits, "to wait for"),
        (plan.refusals.len(), "refused"),
        (plan.unknown.len(), "unknown"),
    ];
    parts.extend(more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    format!("Plan: {}.", parts.join(", "))
}
