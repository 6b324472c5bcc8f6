//! Two texts below each other with a mark under the first character that differs.

use hatoba_model::iam::evaluate::Closest;

/// The expected and the presented text, cut to what fits, and where the mark stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// What was expected.
    pub expected: String,
    /// Where the mark under it stands, in characters from 0.
    pub expected_mark: usize,
    /// What was presented.
    pub presented: String,
    /// Where the mark under it stands, in characters from 0.
    pub presented_mark: usize,
}

/// Lays out two texts in `room` characters. The same number of characters is left out at the beginning of both, so that what agrees
/// stands one below the other.
pub fn pointed(closest: &Closest, room: usize) -> Pointed {
    let room = room.max(20);
    let (expected_at, presented_at) = (closest.difference.expected_at, closest.difference.presented_at);
    let first = expected_at.min(presented_at);
    let longest = closest.expected.chars().count().max(closest.presented.chars().count());
    // A third of the room stays before the place, the rest is for what follows it.
    let skipped = if longest <= room { 0 } else { first.saturating_sub(room / 2).min(longest - room) };
    let cut = |text: &str, at: usize| {
        let mut shown: String = text.chars().skip(skipped).take(room).collect();
        if skipped > 0 && !shown.is_empty() {
            shown = format!("…{}", shown.chars().skip(1).collect::<String>());
        }
        if text.chars().count() > skipped + room {
            shown = format!("{}…", shown.chars().take(room - 1).collect::<String>());
        }
        (shown, at.saturating_sub(skipped).min(room - 1))
    };
    let (expected, expected_mark) = cut(&closest.expected, expected_at);
    let (presented, presented_mark) = cut(&closest.presented, presented_at);
    Pointed { expected, expected_mark, presented, presented_mark }
}

#[cfg(test)]
mod tests {
    use hatoba_model::iam::evaluate::Difference;

    use super::*;

    fn shown(
        expected: &str,
        presented: &str,
        expected_at: usize,
        presented_at: usize,
        room: usize,
    ) -> (String, String) {
        let closest = Closest {
            expected: expected.to_owned(),
            presented: presented.to_owned(),
            difference: Difference { expected_at, presented_at },
        };
        let pointed = pointed(&closest, room);
        let mark = |text: &str, at: usize| text.chars().nth(at).map_or_else(|| "end".to_owned(), |c| c.to_string());
        (
            format!("{} {}", pointed.expected, mark(&pointed.expected, pointed.expected_mark)),
            format!("{} {}", pointed.presented, mark(&pointed.presented, pointed.presented_mark)),
        )
    }

    #[test]
    fn short_texts_are_shown_whole() {
        assert_eq!(shown("heads/main", "heads/mian", 7, 7, 60), ("heads/main a".into(), "heads/mian i".into()));
        assert_eq!(shown("main", "main2", 4, 4, 60), ("main end".into(), "main2 2".into()));
    }

    #[test]
    fn long_texts_are_cut_around_the_place() {
        let start = "x".repeat(100);
        let (expected, presented) = shown(&format!("{start}a{start}"), &format!("{start}b"), 100, 100, 40);
        assert_eq!(expected, format!("…{}a{}… a", "x".repeat(19), "x".repeat(18)));
        assert_eq!(presented, format!("…{}b b", "x".repeat(19)));
    }
}
