//! Mistakes that are there only because of an earlier one: they would tell a reader nothing new.

use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::{Path, Segment};

/// Without what is said of values that could not be settled, such as a text with a variable that there is not.
pub(super) fn of_unsettled(found: Diagnostics, unsettled: &[Path]) -> Diagnostics {
    let concerns =
        |one: &Diagnostic| one.path.as_ref().is_some_and(|path| unsettled.iter().any(|place| place.contains(path)));
    found.into_iter().filter(|one| !concerns(one)).collect()
}

/// Without what is said of places where the parser found fault already.
pub(super) fn of_parsing(found: Diagnostics, problems: &Diagnostics) -> Diagnostics {
    let start = |one: &Diagnostic| one.span.map(|span| span.start);
    found
        .into_iter()
        .filter(|one| start(one).is_none() || problems.iter().all(|other| start(other) != start(one)))
        .collect()
}

/// What rules found in a stack from which some values were dropped, with the places of the file, and without what follows from
/// the dropping.
pub(super) fn of_dropped(found: Diagnostics, dropped: &[Path], unsettled: &[Path]) -> Diagnostics {
    let gone: Vec<&Path> = dropped.iter().chain(unsettled).collect();
    let in_file = |mut one: Diagnostic| {
        one.path = one.path.map(|path| before_dropping(&path, dropped));
        one
    };
    found.into_iter().map(in_file).filter(|one| !follows(one, &gone)).collect()
}

fn follows(one: &Diagnostic, gone: &[&Path]) -> bool {
    let Some(path) = &one.path else { return false };
    let missing = |place: &Path| match place.last() {
        Some(Segment::Key(key)) => place.parent().as_ref() == Some(path) && one.message.contains(&format!("`{key}`")),
        _ => false,
    };
    // A place in a list of which something was dropped is no longer sure.
    gone.iter().any(|place| place.contains(path) || (one.code == "missing-key" && missing(place)))
}

/// The elements of a list that come after a dropped one have moved forward by one.
fn before_dropping(path: &Path, dropped: &[Path]) -> Path {
    let mut original = Path::root();
    for segment in path.segments() {
        let Segment::Index(index) = segment else {
            original = original.step(segment.clone());
            continue;
        };
        let mut gone: Vec<usize> = dropped
            .iter()
            .filter(|place| place.parent().as_ref() == Some(&original))
            .filter_map(|place| match place.last() {
                Some(Segment::Index(index)) => Some(*index),
                _ => None,
            })
            .collect();
        gone.sort_unstable();
        let place = gone.into_iter().fold(*index, |place, gone| if gone <= place { place + 1 } else { place });
        original = original.index(place);
    }
    original
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_lists_are_those_of_the_file() {
        let ports = Path::of(&["ports"]);
        let dropped = [ports.index(2), ports.index(0)];
        let moved: Vec<Path> = (0..3).map(|index| before_dropping(&ports.index(index), &dropped)).collect();
        assert_eq!(moved, [ports.index(1), ports.index(3), ports.index(4)]);
    }

    #[test]
    fn what_follows_from_an_earlier_mistake_is_left_out() {
        let task = Path::of(&["task_definitions", "papyrus"]);
        let all: Diagnostics = [
            Diagnostic::error("missing-key", "`cpu` is required").path(task.clone()),
            Diagnostic::error("missing-key", "`memory` is required").path(task.clone()),
            Diagnostic::error("tag", "no tag").path(task.key("containers").key("app")),
        ]
        .into_iter()
        .collect();
        let left = of_dropped(all, &[task.key("cpu")], &[task.key("containers")]);
        assert_eq!(left.to_string(), "error: `memory` is required");
    }
}
