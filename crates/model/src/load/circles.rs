//! Resources that depend on each other in a circle, so that none of them could be made first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::diag::{Diagnostic, Diagnostics};
use crate::facts::Facts;
use crate::kinds::Resource as _;
use crate::kinds::trust::principals;
use crate::stack::Stack;
use crate::yaml::Path;

/// What each needs, by their keys.
type Needs<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Reports every circle once. Only security groups and roles can need others of their kind.
pub(super) fn check(stack: &Stack, facts: &Facts, found: &mut Diagnostics) {
    for circle in circles(&groups(stack)) {
        found.push(report("security_groups", &[], &circle, "the rules of these security groups refer to each other").help(
            "AWS allows that, but hatoba makes a group together with its rules, so that none of these could come first: leave out \
             `egress` in one of them, which lets everything out, or name addresses there, or make that group beforehand and \
             refer to it by its id, `sg-…`",
        ));
    }
    let trusts = trusts(stack, facts);
    for circle in circles(&trusts) {
        let root = format!("arn:{}:iam::${{account}}:root", facts.partition());
        if let [key, _] = circle.as_slice() {
            let message =
                format!("the trust policy of `{key}` names the role itself, which is not there when it is made");
            let path = Path::root().key("roles").key(*key).key("trust");
            found.push(Diagnostic::warning("trust-itself", message).path(path).help(format!(
                "IAM refuses it at first; trust `{root}` under the condition `ArnEquals: {{ aws:PrincipalArn: … }}` instead"
            )));
            continue;
        }
        found.push(report("roles", &["trust"], &circle, "the trust policies of these roles name each other").help(format!(
            "IAM refuses a trust policy that names a role which is not there yet, so that none of these could come first; let one \
             of them trust `{root}` under the condition `ArnEquals: {{ aws:PrincipalArn: … }}`"
        )));
    }
}

fn report(section: &str, below: &[&str], circle: &[&str], what: &str) -> Diagnostic {
    let way: Vec<String> = circle.iter().map(|key| format!("`{key}`")).collect();
    // The last one closes the circle.
    let last = circle.iter().rev().nth(1).copied().unwrap_or_default();
    let place = below.iter().fold(Path::root().key(section).key(last), |path, key| path.key(*key));
    Diagnostic::error("reference-circle", format!("{what}: {}", way.join(" → "))).path(place)
}

fn groups(stack: &Stack) -> Needs<'_> {
    let keys: BTreeSet<&str> = stack.security_groups.keys().map(String::as_str).collect();
    let peers = |key: &str, named: BTreeSet<String>| {
        keys.iter().copied().filter(|other| *other != key && named.contains(*other)).collect()
    };
    stack.security_groups.iter().map(|(key, group)| (key.as_str(), peers(key, group.peers(key, &keys)))).collect()
}

fn trusts<'a>(stack: &'a Stack, facts: &Facts) -> Needs<'a> {
    let arns: Vec<(&str, String)> = stack
        .roles
        .iter()
        .filter_map(|(key, role)| Some((key.as_str(), role.output(role.aws_name(key), "arn", facts)?)))
        .collect();
    let own = stack.roles.iter().filter(|(_, role)| !role.existing);
    own.map(|(key, role)| {
        let document = role.trust.as_ref().and_then(|trust| trust.document(stack, facts)).unwrap_or_default();
        let named = principals(&document);
        let needs = arns.iter().filter(|(_, arn)| named.contains(&arn.as_str())).map(|(other, _)| *other);
        (key.as_str(), needs.collect())
    })
    .collect()
}

/// Circles that together contain everything that is in one, each as the shortest way from its first key back to it.
fn circles<'a>(needs: &Needs<'a>) -> Vec<Vec<&'a str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    for start in needs.keys() {
        if found.iter().any(|circle| circle.contains(start)) {
            continue;
        }
        found.extend(way_back(needs, start));
    }
    found
}

fn way_back<'a>(needs: &Needs<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(at) = next.pop_front() {
        for need in needs.get(at).into_iter().flatten().copied() {
            if need == start {
                let mut way = vec![start, at];
                while let Some(before) = way.last().filter(|last| **last != start).and_then(|last| from.get(last)) {
                    way.push(before);
                }
                if at == start {
                    return Some(vec![start, start]);
                }
                way.reverse();
                return Some(way);
            }
            if !from.contains_key(need) {
                from.insert(need, at);
                next.push_back(need);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(of: &[(&'static str, &[&'static str])]) -> Needs<'static> {
        of.iter().map(|(key, needs)| (*key, needs.iter().copied().collect())).collect()
    }

    #[test]
    fn every_circle_is_told_once_as_its_way() {
        let two = needs(&[
            ("a", &["b"]),
            ("b", &["c", "x"]),
            ("c", &["a", "b"]),
            ("x", &["y"]),
            ("y", &["x"]),
            ("z", &["a"]),
        ]);
        assert_eq!(circles(&two), [vec!["a", "b", "c", "a"], vec!["x", "y", "x"]]);
    }

    #[test]
    fn what_needs_itself_is_a_circle_and_what_shares_a_need_is_none() {
        assert_eq!(circles(&needs(&[("a", &["a"])])), [vec!["a", "a"]]);
        assert!(circles(&needs(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])])).is_empty());
    }
}
