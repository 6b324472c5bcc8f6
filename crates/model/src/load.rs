//! From the text of a file to a checked stack, with everything that is wrong with it at once.

mod circles;
mod documents;
mod expand;
mod follow_up;
mod interpolate;
mod lost;
mod overlay;
mod rules;

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diagnostics};
use crate::facts::Facts;
use crate::names::{AccountId, Region, StackName};
use crate::stack::Stack;
use crate::yaml::{DecodeErrorKind, Decoded, Node, Source, decode_lenient, parse_lenient};

use lost::Lost;

pub use expand::App;
pub use overlay::Variable;

/// Stands in for the account while none is known, so that everything else can be checked offline.
pub const STAND_IN_ACCOUNT: &str = "000000000000";

/// Stands in for a region that is missing or invalid.
const STAND_IN_REGION: &str = "us-east-1";

/// What a file is loaded with. All access to the world goes through the two functions.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The environment whose overlay applies.
    pub env: Option<&'a str>,
    /// Variables given on the command line.
    pub vars: &'a BTreeMap<String, String>,
    /// The process environment, for `${env.NAME}` and `HATOBA_VAR_NAME`.
    pub process_env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that the stack file refers to; refuses what lies outside of its directory.
    pub files: &'a dyn Fn(&str) -> Result<String, String>,
    /// The account, once it is known.
    pub account: Option<&'a AccountId>,
    /// A region that takes the place of the file's.
    pub region: Option<&'a str>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("env", &self.env).field("account", &self.account).finish_non_exhaustive()
    }
}

/// A file that is in order.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub stack: Stack,
    /// Its long form.
    pub tree: Node,
    /// What works but is probably not meant.
    pub warnings: Diagnostics,
}

/// Loads a file.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(source: &Source, options: &Options<'_>) -> Result<Loaded, Diagnostics> {
    let parsed = parse_lenient(source);
    // An empty mapping is a file that lacks everything, unless it is what syntax errors left.
    let some = |root: &Node| !root.entries().is_empty() || parsed.problems.is_empty();
    let Some(mut tree) = parsed.root.filter(some) else { return Err(parsed.problems) };
    let mut lost = Lost::new(&tree, options, parsed.broken);
    let mut found = Diagnostics::new();
    // Values that could not be settled. What is wrong with them is said once, where they stand.
    let mut unsettled = parsed.doubtful;

    overlay::apply(&mut tree, options, &lost, &mut found);
    let variables = overlay::variables(&mut tree, options, &lost, &mut found);
    let mut names = interpolate::Names::new(&tree, options, &variables);
    interpolate::simple(&mut tree, &mut names, &mut unsettled, &mut found);
    documents::read(&mut tree, options, &mut unsettled, &mut found);
    let expanded = expand::apps(&mut tree, options.env, &mut found);
    lost.resources |= expanded.unreadable;
    interpolate::keys(&tree, &mut unsettled, &mut found);
    // Once more for what came from files and from the short form.
    interpolate::simple(&mut tree, &mut names, &mut unsettled, &mut found);

    let mut decoded: Decoded<Stack> = decode_lenient(&tree);
    if decoded.value.is_none() {
        // Without its head a file has no value; with another one the rest can be checked all the same.
        let mut headed = tree.clone();
        stand_in_head(&mut headed);
        decoded.value = decode_lenient(&headed).value;
    }
    let without = || lost.sections().chain(expanded.dropped.iter().cloned());
    decoded.dropped.extend(without());
    if let Some(facts) = decoded.value.as_ref().and_then(|stack| facts(stack, options)).filter(|_| !lost.resources) {
        let stack = decoded.value.take();
        if let Some(stack) = stack {
            let changed = interpolate::outputs(&mut tree, &stack, &facts, &decoded.dropped, &mut unsettled, &mut found);
            let again = changed.then(|| decode_lenient::<Stack>(&tree)).filter(|again| again.value.is_some());
            decoded = again.unwrap_or(Decoded { value: Some(stack), ..decoded });
            decoded.dropped.extend(without());
        }
        if let Some(stack) = &decoded.value {
            let mut broken = Diagnostics::new();
            rules::check(stack, &facts, &tree, &decoded.dropped, &mut broken);
            found.extend(follow_up::of_dropped(broken, &decoded.dropped, &unsettled));
        }
    }
    let mut unsaid = Diagnostics::new();
    for mut error in decoded.errors {
        if let DecodeErrorKind::UnknownField { expected, .. } = &mut error.kind
            && error.path.is_root()
        {
            expected.extend(["apps", "environments", "variables"].map(str::to_owned));
        }
        let of = if lost.explains(&error) { &mut unsaid } else { &mut found };
        of.push(Diagnostic::from(error));
    }
    unsaid.extend(found.iter().cloned());
    let mut found = follow_up::of_unsettled(found, &unsettled);
    found.locate(&tree);
    let mut found = follow_up::of_parsing(found, &parsed.problems);
    found.extend(parsed.problems);
    match decoded.value {
        Some(stack) if !found.has_errors() => {
            interpolate::escape(&mut tree);
            if options.account.is_none() && stack.account.is_none() {
                interpolate::forget_stand_in(&mut tree);
            }
            Ok(Loaded { stack, tree, warnings: found })
        }
        _ if found.has_errors() => Err(found),
        // Everything was taken for what follows from something else, and there is nothing else: better twice than never.
        _ => {
            unsaid.locate(&tree);
            found.extend(unsaid);
            if !found.has_errors() {
                found.push(unexplained());
            }
            Err(found)
        }
    }
}

/// Of a file that cannot be used although no rule found fault with it.
fn unexplained() -> Diagnostic {
    Diagnostic::error("unreadable-file", "this file cannot be read, and hatoba cannot tell why")
        .help("take out parts of it until it can; please report the part that was in the way")
}

/// Puts something valid in place of a missing or invalid `stack` or `region`.
fn stand_in_head(tree: &mut Node) {
    let span = tree.span;
    if tree.get("stack").and_then(Node::as_str).is_none_or(|name| name.parse::<StackName>().is_err()) {
        tree.insert("stack", span, Node::text(span, "stack"));
    }
    if tree.get("region").and_then(Node::as_str).is_none_or(|name| name.parse::<Region>().is_err()) {
        tree.insert("region", span, Node::text(span, STAND_IN_REGION));
    }
}

fn facts(stack: &Stack, options: &Options<'_>) -> Option<Facts> {
    let account = options.account.or(stack.account.as_ref()).cloned().or_else(|| STAND_IN_ACCOUNT.parse().ok())?;
    Some(Facts { account, region: stack.region.clone() })
}
