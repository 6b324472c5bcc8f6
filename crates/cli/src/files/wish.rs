//! What should be in the repository.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::desired::{Desired, Goal, OnDestroy};
use hatoba_engine::value::{Fields, Value};
use hatoba_github::generate::{Call, CallError, content};
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::Resource as _;
use hatoba_model::stack::Stack;
use hatoba_model::workflows::{What, Workflow, WorkflowFacts, address, facts};
use hatoba_provider::desire;

use super::kind::{CONTENT, WORKFLOW};

/// Everything that the stack wants, in AWS and in the repository.
///
/// # Errors
/// A workflow cannot call hatoba in this way.
pub(crate) fn goal(stack: &Stack, place: &Facts, call: &Call) -> Result<Goal, CallError> {
    let mut goal = desire::goal(stack, place);
    for (key, workflow) in &stack.workflows {
        let wish = wish(stack, place, call, key, workflow)?;
        goal.resources.insert(wish.address.clone(), wish);
    }
    Ok(goal)
}

fn wish(stack: &Stack, place: &Facts, call: &Call, key: &str, workflow: &Workflow) -> Result<Desired, CallError> {
    let path = workflow.path(key);
    let facts = facts(stack, place, key).filter(|_| !workflow.existing);
    let mut fields = Fields::new();
    if let Some(facts) = &facts {
        fields.insert(CONTENT.to_owned(), Value::Doc(content(facts, call)?));
    }
    Ok(Desired {
        address: address(path),
        kind: &WORKFLOW,
        name: path.to_owned(),
        fields,
        tags: BTreeMap::new(),
        needs: facts.map(|facts| needs(stack, place, &facts)).unwrap_or_default(),
        scope: None,
        existing: workflow.existing,
        adopt: workflow.adopt,
        retain: workflow.retain,
        on_destroy: OnDestroy::Plain,
    })
}

/// What the jobs use: a workflow comes after it.
fn needs(stack: &Stack, place: &Facts, facts: &WorkflowFacts) -> BTreeSet<Address> {
    let mut needs = BTreeSet::new();
    for (key, role) in &stack.roles {
        if role.output(role.aws_name(key), "arn", place).as_ref() == Some(&facts.role) {
            needs.insert(Address::new("role", key));
        }
    }
    match &facts.what {
        What::Deploy(deploy) => {
            needs.insert(Address::new("service", &deploy.service));
        }
        What::Switch(switch) => {
            needs.insert(Address::new("service", &switch.service));
        }
        What::Plan(_) | What::Drift(_) => {}
    }
    needs
}
