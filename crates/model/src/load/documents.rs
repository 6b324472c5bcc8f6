//! Policy documents that stand in files of their own: `{ file: policy.json }`.

use crate::diag::{Diagnostic, Diagnostics};
use crate::load::Options;
use crate::yaml::{MAX_BYTES, Node, Path, Source, parse};

/// Where documents stand: a section, and the keys below a resource; `*` is any key.
const PLACES: &[(&str, &[&str])] = &[
    ("roles", &["trust"]),
    ("roles", &["inline_policies", "*"]),
    ("users", &["inline_policies", "*"]),
    ("policies", &["document"]),
    ("repositories", &["policy"]),
    ("repositories", &["lifecycle"]),
];

/// Puts the content of the files in place of the references. Where that fails there is nothing in its place, and `unsettled` has
/// it.
pub(super) fn read(tree: &mut Node, options: &Options<'_>, unsettled: &mut Vec<Path>, found: &mut Diagnostics) {
    for (section, keys) in PLACES {
        let path = Path::root().key(*section);
        let Some(section) = tree.get_mut(section) else { continue };
        let keys = [&["*"], *keys].concat();
        for_each(section, &path, &keys, &mut |node, path| {
            if let Err(problem) = inline(node, options) {
                found.push(*problem);
                unsettled.push(path.clone());
                *node = Node::null(node.span);
            }
        });
    }
}

fn for_each(node: &mut Node, path: &Path, keys: &[&str], f: &mut dyn FnMut(&mut Node, &Path)) {
    let Some((key, rest)) = keys.split_first() else { return f(node, path) };
    let names: Vec<String> =
        node.entries().iter().map(|e| e.key.clone()).filter(|name| *key == "*" || name == key).collect();
    for name in names {
        if let Some(child) = node.get_mut(&name) {
            for_each(child, &path.key(name), rest, f);
        }
    }
}

fn inline(node: &mut Node, options: &Options<'_>) -> Result<(), Box<Diagnostic>> {
    let [entry] = node.entries() else { return Ok(()) };
    if entry.key != "file" {
        return Ok(());
    }
    let Some(path) = entry.value.as_str() else { return Ok(()) };
    let span = entry.value.span;
    let refuse =
        |message: String, help: &str| Box::new(Diagnostic::error("document-file", message).at(span).help(help));
    let text = (options.files)(path).map_err(|problem| {
        refuse(
            format!("the file `{path}` cannot be used: {problem}"),
            "the path is relative to the stack file and must stay inside its directory",
        )
    })?;
    if text.len() > MAX_BYTES {
        return Err(refuse(
            format!("the file `{path}` is too large for a policy"),
            "IAM allows 131,072 characters at most",
        ));
    }
    // JSON with line and column of its own file; everything else is read as YAML.
    let document = if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        parse(&Source::new(path, text.as_str()))
            .map(|node| node.to_json())
            .map_err(|problems| problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>().join("; "))
    };
    let document = document.map_err(|problem| {
        refuse(format!("the file `{path}` cannot be read: {problem}"), "it must hold a policy document as JSON or YAML")
    })?;
    *node = Node::from_json(span, &document);
    Ok(())
}
