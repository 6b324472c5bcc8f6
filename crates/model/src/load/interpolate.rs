//! `${…}` in texts: `${var.NAME}`, `${env.NAME}`, `${stack}`, `${region}`, `${account}`, and outputs such as
//! `${roles.papyrus-task.arn}`. `$${` stands for a literal `${`.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::facts::Facts;
use crate::load::{Options, STAND_IN_ACCOUNT};
use crate::names::Region;
use crate::stack::Stack;
use crate::yaml::{Node, NodeValue, Path, Span};

/// What the simple names stand for.
pub(super) struct Names<'a> {
    options: &'a Options<'a>,
    variables: &'a BTreeMap<String, Option<String>>,
    stack: String,
    region: String,
    account: String,
}

impl<'a> Names<'a> {
    pub(super) fn new(tree: &Node, options: &'a Options<'a>, variables: &'a BTreeMap<String, Option<String>>) -> Self {
        let text = |key: &str| tree.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let account = match options.account {
            Some(account) => account.to_string(),
            None => Some(text("account")).filter(|account| !account.is_empty()).unwrap_or_else(|| STAND_IN_ACCOUNT.to_owned()),
        };
        let mut names = Self { options, variables, stack: String::new(), region: String::new(), account };
        // The head of the file may itself use variables, but nothing that depends on it.
        names.stack = names.head(&text("stack"));
        names.region = names.head(&text("region"));
        names
    }

    fn head(&self, text: &str) -> String {
        let replaced = replace(text, |inner| match inner.strip_prefix("var.") {
            Some(name) => match self.variables.get(name) {
                Some(Some(value)) => Replacement::With(value.clone()),
                _ => Replacement::Leave,
            },
            None => Replacement::Leave,
        });
        replaced.text
    }

    fn value(&self, inner: &str) -> Replacement {
        match inner {
            "stack" => return Replacement::With(self.stack.clone()),
            "region" => return Replacement::With(self.region.clone()),
            "account" => return Replacement::With(self.account.clone()),
            "partition" => {
                let region = self.region.parse::<Region>();
                return Replacement::With(region.map_or("aws", |region| region.partition()).to_owned());
            }
            _ => {}
        }
        if let Some(name) = inner.strip_prefix("var.") {
            return match self.variables.get(name) {
                Some(Some(value)) => Replacement::With(value.clone()),
                // Already reported where it is declared.
                Some(None) => Replacement::With(String::new()),
                None => {
                    let help = match nearest(name, self.variables.keys().map(String::as_str)) {
                        Some(near) => format!("did you mean `${{var.{near}}}`?"),
                        None => format!("declare it: `variables: {{ {name}: {{ default: … }} }}`"),
                    };
                    Replacement::Problem(format!("there is no variable `{name}`"), help)
                }
            };
        }
        if let Some(name) = inner.strip_prefix("env.") {
            return match (self.options.process_env)(name) {
                Some(value) => Replacement::With(value),
                None => Replacement::Problem(
                    format!("the environment variable `{name}` is not set"),
                    format!("set it, or use a variable with a default: `${{var.{name}}}`"),
                ),
            };
        }
        // IAM's own policy variables look the same but for their colon: `${aws:PrincipalTag/team}`.
        if inner.contains(':') {
            return Replacement::Leave;
        }
        match inner.split_once('.') {
            Some((section, _)) if Stack::kind_of(section).is_some() => Replacement::Leave,
            Some((section, rest)) => match nearest(section, Stack::SECTIONS.iter().copied().chain(["var", "env"])) {
                Some(near) => Replacement::Problem(format!("`${{{inner}}}` means nothing"), format!("did you mean `${{{near}.{rest}}}`?")),
                None => unknown(inner),
            },
            None => unknown(inner),
        }
    }
}

fn unknown(inner: &str) -> Replacement {
    Replacement::Problem(
        format!("`${{{inner}}}` means nothing"),
        "there are `${var.NAME}`, `${env.NAME}`, `${account}`, `${region}`, `${partition}`, `${stack}` and outputs such as `${roles.NAME.arn}`; \
         for a literal `${` write `$${`"
            .to_owned(),
    )
}

enum Replacement {
    With(String),
    Leave,
    Problem(String, String),
}

struct Replaced {
    text: String,
    changed: bool,
    problems: Vec<(String, String)>,
}

/// Replaces every `${…}`. An escaped `$${` is kept as it is; [`outputs`] takes the escape off in the end.
fn replace(text: &str, value: impl Fn(&str) -> Replacement) -> Replaced {
    let mut result = Replaced { text: String::with_capacity(text.len()), changed: false, problems: Vec::new() };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        result.text.push_str(before);
        // GitHub's `${{ … }}` and the escape are not ours.
        let escaped = before.ends_with('$');
        let github = from.starts_with("${{");
        let Some(end) = from.find('}').filter(|_| !escaped && !github) else {
            result.text.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        };
        let inner = from.get(2..end).unwrap_or_default();
        let whole = from.get(..=end).unwrap_or_default();
        match value(inner.trim()) {
            Replacement::With(value) => {
                result.text.push_str(&value);
                result.changed = true;
            }
            Replacement::Leave => result.text.push_str(whole),
            Replacement::Problem(message, help) => {
                result.text.push_str(whole);
                result.problems.push((message, help));
            }
        }
        rest = from.get(end + 1..).unwrap_or_default();
    }
    result.text.push_str(rest);
    result
}

/// Replaces everything that needs nothing but the head of the file.
pub(super) fn simple(tree: &mut Node, names: &mut Names<'_>, found: &mut Diagnostics) {
    walk(tree, &mut |text, span| {
        let replaced = replace(text, |inner| names.value(inner));
        for (message, help) in replaced.problems {
            found.push(Diagnostic::error("unknown-substitution", message).at(span).help(help));
        }
        replaced.changed.then_some(replaced.text)
    });
}

/// Replaces outputs of resources, and takes the escapes off. Tells whether anything changed.
pub(super) fn outputs(tree: &mut Node, stack: &Stack, facts: &Facts, dropped: &[Path], found: &mut Diagnostics) -> bool {
    let mut changed = false;
    walk(tree, &mut |text, span| {
        if !text.contains("${") {
            return None;
        }
        let replaced = replace(text, |inner| output(inner, stack, facts, dropped));
        for (message, help) in replaced.problems {
            found.push(Diagnostic::error("unknown-reference", message).at(span).help(help));
        }
        let text = replaced.text.replace("$${", "${");
        let differs = replaced.changed || text.len() != replaced.text.len();
        changed |= differs;
        differs.then_some(text)
    });
    changed
}

fn output(inner: &str, stack: &Stack, facts: &Facts, dropped: &[Path]) -> Replacement {
    let Some((section, rest)) = inner.split_once('.').filter(|(section, _)| Stack::kind_of(section).is_some()) else {
        return Replacement::Leave;
    };
    let Some((key, output)) = rest.rsplit_once('.') else {
        return Replacement::Problem(
            format!("`${{{inner}}}` does not say what of `{rest}` is meant"),
            format!("for example `${{{section}.{rest}.arn}}`"),
        );
    };
    let Some(resource) = stack.find(section, key) else {
        let path = Path::root().key(section).key(key);
        if dropped.iter().any(|dropped| dropped.contains(&path)) {
            return Replacement::With(String::new());
        }
        let keys = stack.keys(section);
        let help = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `${{{section}.{near}.{output}}}`?"),
            None if keys.is_empty() => format!("there is nothing under `{section}`"),
            None => format!("there are: {}", keys.join(", ")),
        };
        return Replacement::Problem(format!("there is no `{key}` under `{section}`"), help);
    };
    match resource.output(resource.aws_name(key), output, facts) {
        Some(value) => Replacement::With(value),
        None => Replacement::Problem(
            format!("`{output}` of `{section}.{key}` cannot be used in a text"),
            format!(
                "what can be used: {}; what AWS assigns, such as the id of a security group, is only known after apply",
                resource.outputs().join(", ")
            ),
        ),
    }
}

fn walk(node: &mut Node, f: &mut dyn FnMut(&str, Span) -> Option<String>) {
    let span = node.span;
    match &mut node.value {
        NodeValue::Scalar { text, .. } => {
            if let Some(new) = f(text, span) {
                *text = new;
            }
        }
        NodeValue::List(items) => items.iter_mut().for_each(|item| walk(item, f)),
        NodeValue::Map(entries) => entries.iter_mut().for_each(|entry| walk(&mut entry.value, f)),
        NodeValue::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> String {
        replace(text, |inner| match inner {
            "stack" => Replacement::With("papyrus".into()),
            _ => Replacement::Leave,
        })
        .text
    }

    #[test]
    fn names_are_replaced_and_everything_else_is_left() {
        assert_eq!(with("a ${stack} b ${ stack } c"), "a papyrus b papyrus c");
        assert_eq!(with("${aws:PrincipalTag/team}"), "${aws:PrincipalTag/team}");
        assert_eq!(with("$${stack} ${{ github.sha }} ${stack"), "$${stack} ${{ github.sha }} ${stack");
        assert_eq!(with("波止場 ${stack}"), "波止場 papyrus");
    }
}
