//! Policy documents that stand in files of their own: `{ file: policy.json }`.

use crate::diag::{Diagnostic, Diagnostics};
use crate::load::Options;
use crate::yaml::{MAX_BYTES, Node, Source, parse};

/// Where documents stand: a section, and the keys below a resource; `*` is any key.
const PLACES: &[(&str, &[&str])] = &[
    ("roles", &["trust"]),
    ("roles", &["inline_policies", "*"]),
    ("users", &["inline_policies", "*"]),
    ("policies", &["document"]),
    ("repositories", &["policy"]),
    ("repositories", &["lifecycle"]),
];

/// Puts the content of the files in place of the references.
pub(super) fn read(tree: &mut Node, options: &Options<'_>, found: &mut Diagnostics) {
    for (section, keys) in PLACES {
        let Some(section) = tree.get_mut(section) else { continue };
        for_each(section, &["*"], &mut |resource| {
            for_each(resource, keys, &mut |node| inline(node, options, found));
        });
    }
}

fn for_each(node: &mut Node, keys: &[&str], f: &mut dyn FnMut(&mut Node)) {
    let Some((key, rest)) = keys.split_first() else { return f(node) };
    let names: Vec<String> = node.entries().iter().map(|e| e.key.clone()).filter(|name| *key == "*" || name == key).collect();
    for name in names {
        if let Some(child) = node.get_mut(&name) {
            for_each(child, rest, f);
        }
    }
}

fn inline(node: &mut Node, options: &Options<'_>, found: &mut Diagnostics) {
    let [entry] = node.entries() else { return };
    if entry.key != "file" {
        return;
    }
    let Some(path) = entry.value.as_str() else { return };
    let span = entry.value.span;
    let refuse = |message: String, help: &str| Diagnostic::error("document-file", message).at(span).help(help);
    let text = match (options.files)(path) {
        Ok(text) => text,
        Err(problem) => {
            found.push(refuse(
                format!("the file `{path}` cannot be used: {problem}"),
                "the path is relative to the stack file and must stay inside its directory",
            ));
            return;
        }
    };
    if text.len() > MAX_BYTES {
        found.push(refuse(format!("the file `{path}` is too large for a policy"), "IAM allows 131,072 characters at most"));
        return;
    }
    // JSON with line and column of its own file; everything else is read as YAML.
    let document = if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        parse(&Source::new(path, text.as_str())).map(|node| node.to_json()).map_err(|problems| {
            problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>().join("; ")
        })
    };
    match document {
        Ok(document) => *node = Node::from_json(span, &document),
        Err(problem) => found.push(refuse(format!("the file `{path}` cannot be read: {problem}"), "it must hold a policy document as JSON")),
    }
}
