//! What should be known of a plan before it is carried out, although nothing in it is wrong.

use hatoba_engine::plan::{Act, Plan, Step};

use crate::files::WORKFLOW;
use crate::render::beside::Warning;

/// What is to be said of a plan. `in_repository` says whether the stack file lies in a repository of git.
pub(crate) fn of_plan(plan: &Plan, in_repository: bool) -> Vec<Warning> {
    let anew = plan.steps.iter().filter_map(|step| nothing_to_adopt(plan, step));
    let written =
        |step: &&Step| matches!(step.act, Act::Create { .. } | Act::Update { .. }) && step.kind.name == WORKFLOW.name;
    let unseen = plan.steps.iter().find(written).filter(|_| !in_repository).map(|step| Warning {
        address: step.address.clone(),
        text: "GitHub will not see it: the stack file lies in no git repository".to_owned(),
        help: "run `git init` at the top of the repository, so that the files are written there".to_owned(),
    });
    anew.chain(unseen).collect()
}

/// Whoever takes something over means something that is there.
fn nothing_to_adopt(plan: &Plan, step: &Step) -> Option<Warning> {
    let want = step.want.as_ref().filter(|want| want.adopt)?;
    // What is being deleted, or is replaced, was there.
    let was_there = plan.steps.iter().any(|other| other.address == step.address && other.live.is_some());
    if was_there || !matches!(step.act, Act::Create { .. }) {
        return None;
    }
    let within = want.scope.as_ref().map(|cluster| format!(" in the cluster `{cluster}`")).unwrap_or_default();
    Some(Warning {
        address: step.address.clone(),
        text: format!(
            "`adopt: true`, but there is no {} `{}`{within}: it would be made anew",
            step.kind.title, step.name
        ),
        help: "is the name right? `name:` says what it is called in AWS; take `adopt: true` out if it is to be made"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use hatoba_engine::desired::{Desired, OnDestroy};
    use hatoba_engine::plan::Why;

    use super::*;
    use crate::render::testkit::{KIND, create, delete, plan};

    fn wanted(mut step: Step, adopt: bool) -> Step {
        step.want = Some(Desired {
            address: step.address.clone(),
            kind: &KIND,
            name: step.name.clone(),
            fields: BTreeMap::new(),
            tags: BTreeMap::new(),
            needs: BTreeSet::new(),
            scope: Some("shop".to_owned()),
            existing: false,
            adopt,
            retain: false,
            on_destroy: OnDestroy::Plain,
        });
        step
    }

    #[test]
    fn what_is_to_be_taken_over_and_is_not_there_is_told() {
        let told = |plan: &Plan| of_plan(plan, true).into_iter().map(|it| it.text).collect::<Vec<_>>();
        let made = plan(vec![wanted(create("orders", vec![]), true), wanted(create("other", vec![]), false)]);
        let said = "`adopt: true`, but there is no thing `orders` in the cluster `shop`: it would be made anew";
        assert_eq!(told(&made), [said]);
        let gone = delete("orders", Why::FieldsDiffer, None);
        assert!(told(&plan(vec![gone, wanted(create("orders", vec![]), true)])).is_empty());
    }

    #[test]
    fn workflows_outside_of_a_repository_are_told_of_once() {
        let step = |name: &str| Step { kind: &WORKFLOW, ..create(name, vec![]) };
        let made = plan(vec![step("a.yml"), step("b.yml")]);
        let told = of_plan(&made, false);
        assert_eq!(told.len(), 1);
        assert!(told.iter().all(|it| it.text.starts_with("GitHub will not see it")), "{told:?}");
        assert!(of_plan(&made, true).is_empty());
        assert!(of_plan(&plan(vec![create("papyrus", vec![])]), false).is_empty());
    }
}
