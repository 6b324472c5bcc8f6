//! Subjects and facts in, findings out.

use super::{facts::Facts, finding::Finding, subject::Subjects};
use super::{images, logs, network, roles, stored};
use crate::facts::Facts as Place;
use crate::verify::finding::Level;
use crate::yaml::Path;

/// Everything that is to be said, errors first; in the same order for the same arguments.
pub fn judge(subjects: &Subjects, facts: &Facts, place: &Place) -> Vec<Finding> {
    let mut all = Vec::new();
    for (key, task) in &subjects.tasks {
        images::judge(key, task, facts, subjects, &mut all);
        if task.permissions {
            logs::judge(key, task, facts, place, &mut all);
            stored::judge(key, task, facts, place, &mut all);
        }
    }
    roles::judge(subjects, facts, place, &mut all);
    for (key, service) in &subjects.services {
        network::judge(key, service, subjects, facts, place, &mut all);
        network::judge_breaker(key, service, &mut all);
    }
    all.extend(subjects.unread.iter().map(|(address, why)| Finding {
        level: Level::NotChecked,
        code: "unread",
        address: address.clone(),
        path: Path::of(&[section(address.kind), &address.name]),
        message: format!("{address}: {why}"),
        help: String::new(),
    }));
    all.sort();
    all.dedup();
    all
}

fn section(kind: &str) -> &'static str {
    let of = |section: &&&str| crate::stack::Stack::kind_of(section) == Some(kind);
    crate::stack::Stack::SECTIONS.iter().find(of).copied().unwrap_or_default()
}
