//! Rules that concern every resource, and the run of each kind's own.

use std::collections::BTreeMap;

use crate::check::{Check, shorten};
use crate::diag::{Diagnostic, Diagnostics};
use crate::facts::Facts;
use crate::names::shown;
use crate::stack::Stack;
use crate::yaml::{Node, Path, Scalar};

/// AWS allows 50 tags on a resource; up to six are ours (three of the mark, three notes).
const MAX_TAGS: usize = 44;

const TAG_CHARACTERS: &str = "allowed: letters, digits, spaces and `_ . : / = + - @`";

/// Checks everything about a stack that was decoded.
pub(super) fn check(stack: &Stack, facts: &Facts, tree: &Node, dropped: &[Path], found: &mut Diagnostics) {
    tags(&stack.tags, &Path::root().key("tags"), 0, found);
    let mut names: BTreeMap<(&'static str, String), Path> = BTreeMap::new();
    stack.each(&mut |address, section, key, resource| {
        let common = resource.common();
        let place = Path::root().key(section).key(key);
        tags(common.tags, &place.key("tags"), stack.tags.len(), found);
        let both = [("adopt", common.adopt), ("retain", common.retain)];
        for (word, _) in both.into_iter().filter(|(_, on)| *on && common.existing) {
            found.push(
                Diagnostic::error(
                    "contradiction",
                    format!("`existing: true` and `{word}: true` contradict each other"),
                )
                .path(place.key(word))
                .help("`existing` means that hatoba never touches the resource; remove one of the two"),
            );
        }
        let name = resource.aws_name(key);
        if name.is_empty() {
            found.push(Diagnostic::error("empty-name", "the name is empty").path(place.clone()).help("give it a name"));
        }
        // IAM and EC2 compare names without case, the others are close enough to a mistake.
        let unique = (address.kind, name.to_lowercase());
        if !names_are_scoped(address.kind) {
            match names.get(&unique) {
                Some(first) => found.push(
                    Diagnostic::error("same-name", format!("`{first}` has the name `{}` as well", shorten(name)))
                        .path(place.clone())
                        .help("AWS knows only one of that name; choose another `name:`"),
                ),
                None => {
                    names.insert(unique, place.clone());
                }
            }
        }
        let mut cx = Check::new(stack, facts, section, key, name, dropped);
        resource.check(&mut cx);
        for diagnostic in cx.into_found() {
            found.push(diagnostic);
        }
    });
    if Stack::SECTIONS.iter().all(|section| tree.get(section).is_none()) {
        found.push(
            Diagnostic::warning("empty-stack", "this file has no resources")
                .help("start with `apps:`; `apply` of an empty file deletes everything that the stack has"),
        );
    }
}

/// Services have their name inside a cluster.
fn names_are_scoped(kind: &str) -> bool {
    kind == "service"
}

fn tags(tags: &BTreeMap<String, Scalar>, place: &Path, beside: usize, found: &mut Diagnostics) {
    if tags.len() + beside > MAX_TAGS {
        found.push(
            Diagnostic::error("too-many-tags", format!("{} tags are too many", tags.len() + beside))
                .path(place.clone())
                .help(format!("AWS allows 50 on a resource; hatoba keeps 6 for its marks, so {MAX_TAGS} are left")),
        );
    }
    for (key, value) in tags {
        let mut report = |code: &'static str, message: String, help: &str| {
            found.push(Diagnostic::error(code, message).path(place.key(key.as_str())).help(help));
        };
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("aws:") {
            report(
                "tag-key",
                format!("the tag `{}` is reserved by AWS", shorten(key)),
                "choose a key that does not begin with `aws:`",
            );
        }
        if lower.starts_with("hatoba:") {
            report(
                "tag-key",
                format!("the tag `{}` is reserved for hatoba's marks", shorten(key)),
                "choose a key that does not begin with `hatoba:`",
            );
        }
        let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        let length = key.chars().count();
        if length == 0 || length > 128 {
            report("tag-key", format!("a tag's key has 1 to 128 characters; this one has {length}"), "shorten it");
        } else if let Some(bad) = key.chars().find(|c| !allowed(*c)) {
            report("tag-key", format!("a tag's key cannot contain {}", shown(bad)), TAG_CHARACTERS);
        }
        let length = value.as_str().chars().count();
        if length > 256 {
            report("tag-value", format!("a tag's value has up to 256 characters; this one has {length}"), "shorten it");
        } else if let Some(bad) = value.as_str().chars().find(|c| !allowed(*c)) {
            report("tag-value", format!("a tag's value cannot contain {}", shown(bad)), TAG_CHARACTERS);
        }
    }
}
