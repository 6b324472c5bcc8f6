//! "Did you mean": the allowed words that are closest to a mistyped one.

/// The words with the smallest edit distance to `word`, in the order given, when that distance is small enough
/// (at most `limit`, and less than half of the word). Letters of another case count as equal, so that `allow` finds `Allow`.
pub(crate) fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let wanted = word.to_lowercase();
    let most = limit.min(wanted.chars().count().saturating_sub(1) / 2).max(1);
    let mut best = Vec::new();
    let mut smallest = most;
    for candidate in among {
        let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
        if distance > smallest {
            continue;
        }
        if distance < smallest {
            best.clear();
            smallest = distance;
        }
        if !best.contains(&candidate) {
            best.push(candidate);
        }
    }
    best
}

/// `did you mean A?` or `did you mean A or B?`; nothing when there is nothing near. At most three are named.
pub(crate) fn did_you_mean<'a>(word: &str, among: impl IntoIterator<Item = &'a str>, limit: usize) -> Option<String> {
    let found: Vec<String> = nearest(word, among, limit).into_iter().take(3).map(|w| format!("`{w}`")).collect();
    let (last, rest) = found.split_last()?;
    Some(if rest.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", rest.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest};

    #[test]
    fn finds_only_the_closest_words() {
        assert_eq!(nearest("papyrsu", ["papyrus", "papyri", "other"], 3), ["papyrus"]);
        assert_eq!(nearest("allow", ["Allow", "Deny"], 2), ["Allow"]);
        assert!(nearest("zzz", ["papyrus"], 3).is_empty());
    }

    #[test]
    fn a_short_word_is_not_near_everything() {
        assert!(nearest("a", ["ecs", "ecr"], 3).is_empty());
        assert!(nearest("abc", ["xyz"], 3).is_empty());
    }

    #[test]
    fn several_equally_near_words_are_all_named() {
        assert_eq!(
            did_you_mean("ecx", ["ecs", "ecr", "ec2"], 2).as_deref(),
            Some("did you mean `ecs`, `ecr` or `ec2`?")
        );
        assert_eq!(did_you_mean("qqqqqq", ["ecs"], 2), None);
    }
}
