//! Decoding that reports every mistake at once.
//!
//! Serde stops at the first error. So the value that does not fit is left out and the tree is decoded again, until it fits.
//! What is left out is never taken out of the tree: paths and places stay those of the file.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::de::{Context, identity, run};
use super::error::{DecodeError, DecodeErrorKind};
use super::path::Path;
use super::poison::{GUESSES, Probe};
use super::tree::Node;
use crate::diag::nearest;

/// How many errors are enough. Also bounds the work: every error costs one or two passes over the tree.
const MAX_ERRORS: usize = 200;
/// How many passes are enough, counting those that only leave out more of what surrounds an error.
const MAX_PASSES: usize = 1000;
/// How many missing keys of one mapping are looked for.
const MAX_MISSING: usize = 32;

/// What could be decoded, and what could not.
#[derive(Debug, Clone)]
pub struct Decoded<T> {
    /// The value of what is in order; `None` if nothing could be made without the parts that are not.
    pub value: Option<T>,
    /// What does not fit, in the order of discovery. If empty, `value` is there and complete.
    pub errors: Vec<DecodeError>,
    /// What is in the file but not in `value`, because it or something in it does not fit. A name below one of these was
    /// declared; that it is missing from `value` is no second mistake.
    pub dropped: Vec<Path>,
}

/// Decodes a tree and finds all errors.
///
/// # Errors
///
/// Every value that does not fit its type (at most about 200). See [`decode_lenient`] for what remains.
pub fn decode_all<T: DeserializeOwned>(root: &Node) -> Result<T, Vec<DecodeError>> {
    let decoded = decode_lenient(root);
    match decoded.value {
        Some(value) if decoded.errors.is_empty() => Ok(value),
        _ => Err(decoded.errors),
    }
}

/// Decodes what fits and finds all errors.
///
/// What does not fit is left out: an unknown key, an element of a list, the entry of a mapping, and if the type around it
/// cannot do without it then that too.
pub fn decode_lenient<T: DeserializeOwned>(root: &Node) -> Decoded<T> {
    let mut state =
        State { root, ids: HashSet::new(), decoded: Decoded { value: None, errors: Vec::new(), dropped: Vec::new() } };
    for _ in 0..MAX_PASSES {
        let error = match run(root, &state.context(&[])) {
            Ok(value) => {
                state.decoded.value = Some(value);
                break;
            }
            Err(error) => error,
        };
        let culprit = error.culprit();
        if !state.is_follow_up(&error) {
            state.record(*error);
        }
        let progress = culprit.is_some_and(|path| state.leave_out(path));
        if !progress || state.decoded.errors.len() >= MAX_ERRORS {
            break;
        }
    }
    state.decoded
}

struct State<'a, T> {
    root: &'a Node,
    /// The identities of what is left out.
    ids: HashSet<usize>,
    decoded: Decoded<T>,
}

impl<T: DeserializeOwned> State<'_, T> {
    fn context<'c>(&'c self, probes: &'c [Probe]) -> Context<'c> {
        Context { dropped: &self.ids, probes }
    }

    /// Leaves out the value at a path or, if it is left out already, the nearest one above it that is not. Says whether there
    /// was one; the root cannot be left out.
    fn leave_out(&mut self, mut path: Path) -> bool {
        while !path.is_root() {
            if let Some(node) = self.root.at(&path)
                && self.ids.insert(identity(node))
            {
                self.decoded.dropped.push(path);
                return true;
            }
            path = path.parent().unwrap_or_default();
        }
        false
    }

    /// Whether an error is there only because something was left out for an earlier one.
    fn is_follow_up(&self, error: &DecodeError) -> bool {
        let left_out = |path: &Path| self.decoded.dropped.contains(path);
        match &error.kind {
            DecodeErrorKind::MissingField { field } => {
                let misspelt = |other: &DecodeError| match &other.kind {
                    DecodeErrorKind::UnknownField { field: written, expected } => {
                        other.path == error.path
                            && nearest(written, expected.iter().map(String::as_str)) == Some(field.as_str())
                    }
                    _ => false,
                };
                left_out(&error.path.key(field.as_str())) || self.decoded.errors.iter().any(misspelt)
            }
            DecodeErrorKind::Invalid(_) | DecodeErrorKind::WrongType { .. } => {
                self.decoded.dropped.iter().any(|path| error.path.contains(path) && *path != error.path)
            }
            DecodeErrorKind::UnknownField { .. } | DecodeErrorKind::UnknownVariant { .. } => false,
        }
    }

    /// Adds an error and its like in the same mapping, of which serde names only the first.
    fn record(&mut self, error: DecodeError) {
        match &error.kind {
            DecodeErrorKind::UnknownField { field, expected } => {
                let known: HashSet<&str> = expected.iter().map(String::as_str).collect();
                let entries = self.root.at(&error.path).map(Node::entries).unwrap_or_default();
                let others: Vec<_> = entries
                    .iter()
                    .filter(|entry| !known.contains(entry.key.as_str()) && entry.key != *field)
                    .filter(|entry| !self.ids.contains(&identity(&entry.value)))
                    .take(MAX_ERRORS)
                    .map(|entry| DecodeError {
                        span: entry.key_span,
                        kind: DecodeErrorKind::UnknownField { field: entry.key.clone(), expected: expected.clone() },
                        ..error.clone()
                    })
                    .collect();
                self.decoded.errors.push(error);
                for other in others {
                    self.leave_out(other.path.key(field_of(&other)));
                    self.decoded.errors.push(other);
                }
            }
            DecodeErrorKind::MissingField { field } => {
                let others = self.also_missing(&error.path, field);
                for field in std::iter::once(field.clone()).chain(others) {
                    let error = DecodeError { kind: DecodeErrorKind::MissingField { field }, ..error.clone() };
                    if !self.is_follow_up(&error) {
                        self.decoded.errors.push(error);
                    }
                }
            }
            _ => self.decoded.errors.push(error),
        }
    }

    /// Which other keys a mapping lacks: found by decoding with stand-ins for those that are known to be missing.
    fn also_missing(&self, path: &Path, first: &str) -> Vec<String> {
        let Some(mapping) = self.root.at(path).map(identity) else { return Vec::new() };
        let mut probes: Vec<Probe> = Vec::new();
        let mut missing = vec![first.to_owned()];
        while let Some(field) = missing.last().filter(|_| missing.len() < MAX_MISSING) {
            let mut next = None;
            probes.push(Probe { mapping, field: field.clone(), guess: 0 });
            for guess in 0..GUESSES.len() {
                if let Some(probe) = probes.last_mut() {
                    probe.guess = guess;
                }
                match run::<T>(self.root, &self.context(&probes)) {
                    Err(error) if error.path == *path => {
                        if let DecodeErrorKind::MissingField { field } = error.kind {
                            next = Some(field).filter(|field| !missing.contains(field));
                            break;
                        }
                        // The stand-in was refused: try the next.
                    }
                    _ => break,
                }
            }
            match next {
                Some(field) => missing.push(field),
                None => break,
            }
        }
        missing.split_off(1)
    }
}

fn field_of(error: &DecodeError) -> &str {
    match &error.kind {
        DecodeErrorKind::UnknownField { field, .. } | DecodeErrorKind::MissingField { field } => field,
        _ => "",
    }
}
