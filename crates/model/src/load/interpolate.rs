//! `${…}` in texts: `${var.NAME}`, `${env.NAME}`, `${stack}`, `${region}`, `${account}`, and outputs such as
//! `${roles.papyrus-task.arn}`. `$${` stands for a literal `${`.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::facts::Facts;
use crate::load::overlay::Variables;
use crate::load::{Options, STAND_IN_ACCOUNT, STAND_IN_REGION};
use crate::names::{AccountId, Region};
use crate::stack::Stack;
use crate::yaml::{Node, NodeValue, Path, Segment, Span};

/// What the simple names stand for.
pub(super) struct Names<'a> {
    options: &'a Options<'a>,
    variables: &'a Variables,
    stack: String,
    region: String,
    account: String,
    /// What was reported already; the short form repeats texts that were.
    reported: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(tree: &Node, options: &'a Options<'a>, variables: &'a Variables) -> Self {
        let text = |key: &str| tree.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        // A head that is wrong is reported there, and not once more wherever it is used.
        let account = match options.account {
            Some(account) => account.to_string(),
            None => {
                text("account").parse::<AccountId>().map_or(STAND_IN_ACCOUNT.to_owned(), |account| account.to_string())
            }
        };
        let reported = BTreeSet::new();
        let mut names = Self { options, variables, stack: String::new(), region: String::new(), account, reported };
        // The head of the file may itself use variables, but nothing that depends on it.
        names.stack = names.head(&text("stack"));
        names.region = names
            .head(&text("region"))
            .parse::<Region>()
            .map_or(STAND_IN_REGION.to_owned(), |region| region.to_string());
        names
    }

    fn head(&self, text: &str) -> String {
        let replaced = replace(text, |inner| match inner.strip_prefix("var.") {
            Some(name) => match self.variables.known.get(name) {
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
            return match self.variables.known.get(name) {
                Some(Some(value)) => Replacement::With(value.clone()),
                // Already reported where it is declared.
                Some(None) => Replacement::Unsettled,
                None if self.variables.lost => Replacement::Unsettled,
                None => {
                    let help = match nearest(name, self.variables.known.keys().map(String::as_str)) {
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
                Some(near) => Replacement::Problem(
                    format!("`${{{inner}}}` means nothing"),
                    format!("did you mean `${{{near}.{rest}}}`?"),
                ),
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
    /// What stands there is not known, and why was reported already.
    Unsettled,
    Problem(String, String),
    /// What stands there is made from itself, over these resources.
    Circle(Way),
}

/// Resources on the way from one to another: each as a text names it, and its place.
type Way = Vec<(String, Path)>;

struct Replaced {
    text: String,
    changed: bool,
    settled: bool,
    problems: Vec<(String, String)>,
    circles: Vec<Way>,
}

/// Replaces every `${…}`. An escaped `$${` is kept as it is; [`outputs`] takes the escape off in the end.
fn replace(text: &str, value: impl Fn(&str) -> Replacement) -> Replaced {
    let mut result = Replaced {
        text: String::with_capacity(text.len()),
        changed: false,
        settled: true,
        problems: Vec::new(),
        circles: Vec::new(),
    };
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
            Replacement::Unsettled => {
                result.text.push_str(whole);
                result.settled = false;
            }
            Replacement::Problem(message, help) => {
                result.text.push_str(whole);
                result.settled = false;
                result.problems.push((message, help));
            }
            Replacement::Circle(way) => {
                result.text.push_str(whole);
                result.settled = false;
                result.circles.push(way);
            }
        }
        rest = from.get(end + 1..).unwrap_or_default();
    }
    result.text.push_str(rest);
    result
}

/// Reports keys of resources that look as if something were replaced in them.
pub(super) fn keys(tree: &Node, unsettled: &mut Vec<Path>, found: &mut Diagnostics) {
    for section in Stack::SECTIONS {
        for entry in
            tree.get(section).map(Node::entries).unwrap_or_default().iter().filter(|entry| entry.key.contains("${"))
        {
            let key = &entry.key;
            let problem =
                Diagnostic::error("substitution-in-key", format!("nothing is replaced in a key, such as `{key}`"));
            found.push(
                problem.at(entry.key_span).help(format!("choose a plain key, and write below it `name: \"{key}\"`")),
            );
            unsettled.push(Path::root().key(*section).key(key.as_str()));
        }
    }
}

/// Replaces everything that needs nothing but the head of the file.
pub(super) fn simple(tree: &mut Node, names: &mut Names<'_>, unsettled: &mut Vec<Path>, found: &mut Diagnostics) {
    let mut reported = Vec::new();
    walk(tree, &Path::root(), &mut |text, span, path| {
        let replaced = replace(text, |inner| names.value(inner));
        if !replaced.settled {
            unsettled.push(path.clone());
        }
        for (message, help) in replaced.problems.into_iter().filter(|(message, _)| !names.reported.contains(message)) {
            found.push(Diagnostic::error("unknown-substitution", message.as_str()).at(span).help(help));
            reported.push(message);
        }
        replaced.changed.then_some(replaced.text)
    });
    names.reported.extend(reported);
}

/// Replaces outputs of resources, and takes the escapes off. Tells whether anything changed.
pub(super) fn outputs(
    tree: &mut Node,
    stack: &Stack,
    facts: &Facts,
    dropped: &[Path],
    unsettled: &mut Vec<Path>,
    found: &mut Diagnostics,
) -> bool {
    let mut changed = false;
    let mut circles = BTreeSet::new();
    walk(tree, &Path::root(), &mut |text, span, path| {
        if !text.contains("${") {
            return None;
        }
        let replaced = replace(text, |inner| output(inner, stack, facts, dropped, &[]));
        if !replaced.settled {
            unsettled.push(path.clone());
        }
        for (message, help) in replaced.problems {
            found.push(Diagnostic::error("unknown-reference", message).at(span).help(help));
        }
        for circle in replaced.circles {
            // It is told where a name of the circle is made, and once.
            let at_name = path.last() == Some(&Segment::Key("name".to_owned()))
                && circle.iter().any(|address| path.parent().is_some_and(|parent| parent == address.1));
            if at_name && circles.insert(circle.iter().map(|address| address.0.clone()).collect::<BTreeSet<_>>()) {
                let way: Vec<String> = circle.iter().map(|address| format!("`{}`", address.0)).collect();
                let message = format!("these names are made from each other: {}", way.join(" → "));
                found.push(
                    Diagnostic::error("reference-circle", message)
                        .at(span)
                        .help("write one of them out, or make both from a variable: `${var.NAME}`"),
                );
            }
        }
        let text = replaced.text.replace("$${", "${");
        let differs = replaced.changed || text.len() != replaced.text.len();
        changed |= differs;
        differs.then_some(text)
    });
    changed
}

/// Puts `${account}` back where the stand-in took its place, so that nobody takes it for an account. It is told from a number that
/// merely contains it by what stands around it.
pub(super) fn forget_stand_in(tree: &mut Node) {
    walk(tree, &Path::root(), &mut |text, _, _| {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(STAND_IN_ACCOUNT) {
            let (before, from) = rest.split_at(at);
            let after = from.get(STAND_IN_ACCOUNT.len()..).unwrap_or_default();
            let alone = !result.chars().chain(before.chars()).next_back().is_some_and(char::is_alphanumeric)
                && !after.starts_with(char::is_alphanumeric);
            result.push_str(before);
            result.push_str(if alone { "${account}" } else { STAND_IN_ACCOUNT });
            rest = after;
        }
        (!result.is_empty()).then(|| result + rest)
    });
}

/// Puts the escapes back that [`outputs`] took off, so that the tree written as a file means the same.
pub(super) fn escape(tree: &mut Node) {
    walk(tree, &Path::root(), &mut |text, _, _| {
        if !text.contains("${") {
            return None;
        }
        let mut escaped = String::with_capacity(text.len() + 1);
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            escaped.push_str(before);
            let inner = from.get(2..).unwrap_or_default();
            let name = inner.split('}').next().unwrap_or_default();
            // GitHub's and IAM's are left alone when the file is read.
            let foreign = !before.ends_with('$') && (inner.starts_with('{') || name.contains(':'));
            escaped.push_str(if foreign { "${" } else { "$${" });
            rest = inner;
        }
        escaped.push_str(rest);
        Some(escaped)
    });
}

/// What an output stands for. `way` are the resources whose names are being made.
fn output(inner: &str, stack: &Stack, facts: &Facts, dropped: &[Path], way: &[(String, Path)]) -> Replacement {
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
            return Replacement::Unsettled;
        }
        let keys = stack.keys(section);
        let help = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `${{{section}.{near}.{output}}}`?"),
            None if keys.is_empty() => format!("there is nothing under `{section}`"),
            None => format!("there are: {}", keys.join(", ")),
        };
        return Replacement::Problem(format!("there is no `{key}` under `{section}`"), help);
    };
    let here = (format!("{section}.{key}"), Path::root().key(section).key(key));
    let longer = [way, &[here]].concat();
    if let Some(start) = way.iter().position(|before| Some(before) == longer.last()) {
        return Replacement::Circle(longer[start..].to_vec());
    }
    // A name may itself be made from others.
    let name = replace(resource.aws_name(key), |inner| self::output(inner, stack, facts, dropped, &longer));
    if let Some(circle) = name.circles.into_iter().next() {
        return Replacement::Circle(circle);
    }
    if !name.settled {
        return Replacement::Unsettled;
    }
    match resource.output(&name.text, output, facts) {
        Some(value) => Replacement::With(value),
        None => Replacement::Problem(
            format!("`{output}` of `{section}.{key}` cannot be used in a text"),
            match resource.outputs() {
                [] => "what AWS assigns, such as the id of a security group, is only known after apply".to_owned(),
                outputs => format!("what can be used: {}", outputs.join(", ")),
            },
        ),
    }
}

fn walk(node: &mut Node, path: &Path, f: &mut dyn FnMut(&str, Span, &Path) -> Option<String>) {
    let span = node.span;
    match &mut node.value {
        NodeValue::Scalar { text, .. } => {
            if let Some(new) = f(text, span, path) {
                *text = new;
            }
        }
        NodeValue::List(items) => items.iter_mut().enumerate().for_each(|(at, item)| walk(item, &path.index(at), f)),
        NodeValue::Map(entries) => {
            entries.iter_mut().for_each(|entry| walk(&mut entry.value, &path.key(entry.key.as_str()), f))
        }
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
