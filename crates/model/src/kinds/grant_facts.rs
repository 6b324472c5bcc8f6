//! What grants come to in a stack: the names in `grants` as ARNs.

use serde_json::Value;

use crate::check::Check;
use crate::facts::Facts;
use crate::iam::grants::{Grant, GrantFacts, Names, policy};
use crate::stack::Stack;

/// The policy that the grants of a role come to; nothing when there are none. A name that the stack does not have is left out:
/// the role's check reports it.
pub fn grants_policy(grants: &[Grant], stack: &Stack, facts: &Facts) -> Option<Value> {
    policy(&grant_facts(grants, stack, facts))
}

fn grant_facts(grants: &[Grant], stack: &Stack, facts: &Facts) -> GrantFacts {
    let mut all = GrantFacts::default();
    for grant in grants {
        match grant {
            Grant::Push(names) => all.push.extend(names.iter().filter_map(|key| arn(stack, facts, "repositories", key))),
            Grant::Pull(names) => all.pull.extend(names.iter().filter_map(|key| arn(stack, facts, "repositories", key))),
            Grant::Deploy(_) => {}
        }
    }
    all
}

fn arn(stack: &Stack, facts: &Facts, section: &str, key: &str) -> Option<String> {
    let resource = stack.find(section, key)?;
    resource.output(resource.aws_name(key), "arn", facts)
}

/// Reports names that the stack does not have.
pub(crate) fn check_grants(cx: &mut Check<'_>, grants: &[Grant]) {
    for (index, grant) in grants.iter().enumerate() {
        let (purpose, section, names) = match grant {
            Grant::Push(names) => ("push", "repositories", names),
            Grant::Pull(names) => ("pull", "repositories", names),
            Grant::Deploy(names) => ("deploy", "services", names),
        };
        check_names(cx, &["grants", &index.to_string(), purpose], section, names);
    }
}

fn check_names(cx: &mut Check<'_>, below: &[&str], section: &'static str, names: &Names) {
    let keys: Vec<String> = cx.stack.keys(section).into_iter().map(str::to_owned).collect();
    for (index, name) in names.iter().enumerate() {
        let index = index.to_string();
        let place: Vec<&str> = below.iter().copied().chain(names.is_list().then_some(index.as_str())).collect();
        cx.reference(&place, name, section, &keys);
    }
}
