//! Rules that concern every resource, and the run of each kind's own.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::check::{Check, shorten};
use crate::diag::{Diagnostic, Diagnostics};
use crate::facts::Facts;
use crate::load::circles;
use crate::names::shown;
use crate::stack::Stack;
use crate::workflows;
use crate::yaml::{Node, Path, Scalar};

/// AWS allows 50 tags on a resource; up to six are ours (three of the mark, three notes).
const MAX_TAGS: usize = 44;

/// How many characters the value of a tag has at most.
const MAX_TAG_VALUE: usize = 256;

/// The tag that says which resource of the stack a resource is.
const TAG: &str = "hatoba:resource";

const TAG_CHARACTERS: &str = "allowed: letters, digits, spaces and `_ . : / = + - @`";

/// Checks everything about a stack that was decoded.
pub(super) fn check(stack: &Stack, facts: &Facts, tree: &Node, dropped: &[Path], found: &mut Diagnostics) {
    tags(&stack.tags, &Path::root().key("tags"), 0, found);
    let mut names: BTreeMap<(&'static str, Option<String>, String), Path> = BTreeMap::new();
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
        let scope = resource.scope(stack);
        let unique = (address.kind, scope.clone().map(|scope| scope.to_lowercase()), name.to_lowercase());
        match names.get(&unique) {
            Some(first) => {
                let within = scope.map(|scope| format!(" in the {scope}")).unwrap_or_default();
                found.push(
                    Diagnostic::error(
                        "same-name",
                        format!("`{first}` has the name `{}`{within} as well", shorten(name)),
                    )
                    .path(place.clone())
                    .help("AWS knows only one of that name; choose another `name:`"),
                );
            }
            None => {
                names.insert(unique, place.clone());
            }
        }
        let mut cx = Check::new(stack, facts, section, key, name, dropped);
        resource.check(&mut cx);
        let own = cx.into_found();
        // Where the key is the name, the kind's own rule says more.
        let said = name == key && own.iter().any(|one| one.path.as_ref() == Some(&place) && one.code.contains("name"));
        if !common.existing && !said {
            address_fits(&address, &place, found);
        }
        for diagnostic in own {
            found.push(diagnostic);
        }
    });
    workflows::check(stack, facts, dropped, found);
    circles::check(stack, facts, found);
    let unreadable = |section: &&str| dropped.contains(&Path::root().key(*section));
    if Stack::SECTIONS.iter().all(|section| tree.get(section).is_none() && !unreadable(section)) {
        found.push(
            Diagnostic::warning("empty-stack", "this file has no resources")
                .help("start with `apps:`; `apply` of an empty file deletes everything that the stack has"),
        );
    }
}

/// The address is the value of a tag, by which the resource is found again.
fn address_fits(address: &Address, place: &Path, found: &mut Diagnostics) {
    let text = address.to_string();
    let length = text.chars().count();
    let refuse = |code, message: String, help: &str| Diagnostic::error(code, message).path(place.clone()).help(help);
    if address.name.is_empty() {
        found.push(refuse("key", "the key of a resource is empty".to_owned(), "give it a key"));
    } else if let Some(bad) = text.chars().find(|c| !in_tags(*c)) {
        let message =
            format!("the key of a resource cannot contain {}: it is the value of the tag `{TAG}`", shown(bad));
        let help = format!("{TAG_CHARACTERS}; choose another key, and write below it `name:` with the name in AWS");
        found.push(refuse("key", message, &help));
    } else if length > MAX_TAG_VALUE {
        let most = MAX_TAG_VALUE - address.kind.chars().count() - 1;
        let message =
            format!("the key has {} characters; {most} fit into the tag `{TAG}`", address.name.chars().count());
        found.push(refuse("key", message, "choose a shorter key, and write below it `name:` with the name in AWS"));
    }
}

/// What AWS takes in the keys and values of tags.
fn in_tags(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
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
        let length = key.chars().count();
        if length == 0 || length > 128 {
            report("tag-key", format!("a tag's key has 1 to 128 characters; this one has {length}"), "shorten it");
        } else if let Some(bad) = key.chars().find(|c| !in_tags(*c)) {
            report("tag-key", format!("a tag's key cannot contain {}", shown(bad)), TAG_CHARACTERS);
        }
        let length = value.as_str().chars().count();
        if length > MAX_TAG_VALUE {
            report(
                "tag-value",
                format!("a tag's value has up to {MAX_TAG_VALUE} characters; this one has {length}"),
                "shorten it",
            );
        } else if let Some(bad) = value.as_str().chars().find(|c| !in_tags(*c)) {
            report("tag-value", format!("a tag's value cannot contain {}", shown(bad)), TAG_CHARACTERS);
        }
    }
}
