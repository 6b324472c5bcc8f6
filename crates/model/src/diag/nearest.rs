//! "Did you mean": the nearest of the allowed names.

/// How many names a list of allowed names shows.
const SHOWN: usize = 12;

/// The candidate that was probably meant by `name`, if one is near enough.
///
/// Names that differ only in case, hyphens, underscores or spaces are the same (`retentionDays`, `retention-days`); otherwise
/// up to a third of the letters may differ, or `name` is the beginning of exactly one candidate. Of several that are equally
/// near that wins which begins most like `name`, then the first.
pub fn nearest<'k>(name: &str, candidates: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let wanted = plain(name);
    let mut longer = Vec::new();
    let candidates = candidates.into_iter().inspect(|candidate| {
        if wanted.len() >= 4 && plain(candidate).starts_with(&wanted) {
            longer.push(*candidate);
        }
    });
    let best = slips(&wanted, candidates).into_iter().min_by_key(|(distance, candidate)| {
        let alike = wanted.bytes().zip(plain(candidate).bytes()).take_while(|(a, b)| a == b).count();
        (*distance, wanted.len() - alike)
    });
    match (best, longer.as_slice()) {
        (Some((_, candidate)), _) => Some(candidate),
        (None, [only]) => Some(only),
        _ => None,
    }
}

/// All candidates that are equally near to `name`, in the order given; none where none is near enough.
pub(crate) fn all_nearest<'k>(name: &str, candidates: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let slips = slips(&plain(name), candidates);
    let least = slips.iter().map(|(distance, _)| *distance).min();
    let mut all = Vec::new();
    for (distance, candidate) in slips {
        if Some(distance) == least && !all.contains(&candidate) {
            all.push(candidate);
        }
    }
    all
}

/// `did you mean A?` or `did you mean A or B?`; nothing when there is nothing near. At most three are named.
pub(crate) fn did_you_mean<'k>(name: &str, candidates: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let found: Vec<String> =
        all_nearest(name, candidates).into_iter().take(3).map(|word| format!("`{word}`")).collect();
    let (last, rest) = found.split_last()?;
    Some(if rest.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", rest.join(", "))
    })
}

/// The candidates that differ from `wanted` by no more than a slip, with how much they differ.
fn slips<'k>(wanted: &str, candidates: impl IntoIterator<Item = &'k str>) -> Vec<(usize, &'k str)> {
    let mut slips = Vec::new();
    for candidate in candidates {
        let other = plain(candidate);
        // Names of very different length cannot be near; this also bounds the work for absurdly long names.
        let (short, long) = (wanted.len().min(other.len()), wanted.len().max(other.len()));
        if short > 0 && short * 2 >= long && long <= 256 {
            let distance = strsim::damerau_levenshtein(wanted, &other);
            if distance <= tolerance(wanted, &other) {
                slips.push((distance, candidate));
            }
        }
    }
    slips
}

/// How many edits are still a slip: one for two or three letters, then one more for every three, at most four.
fn tolerance(a: &str, b: &str) -> usize {
    match a.chars().count().max(b.chars().count()) {
        0 | 1 => 0,
        2..=5 => 1,
        letters => (letters / 3).min(4),
    }
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

/// `` `a`, `b`, `c` and 7 more `` : the allowed names, all of them or the dozen nearest to `name`.
pub fn list_of<'k>(name: &str, allowed: impl IntoIterator<Item = &'k str>) -> String {
    let mut names: Vec<&str> = allowed.into_iter().collect();
    let hidden = names.len().saturating_sub(SHOWN);
    if hidden > 0 {
        let wanted: String = plain(name).chars().take(256).collect();
        names.sort_by_cached_key(|candidate| strsim::damerau_levenshtein(&wanted, &plain(candidate)));
        names.truncate(SHOWN);
    }
    let mut text = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if hidden > 0 {
        text.push_str(&format!(" and {hidden} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = ["retention_days", "kms_key", "name", "tags", "retain", "adopt"];

    #[test]
    fn slips_and_other_spellings_are_recognised() {
        for (written, meant) in [
            ("retension_days", "retention_days"),
            ("retention-days", "retention_days"),
            ("retentionDays", "retention_days"),
            ("RetentionDays", "retention_days"),
            ("retention", "retention_days"),
            ("tag", "tags"),
            ("naem", "name"),
            ("kmsKey", "kms_key"),
            ("retian", "retain"),
        ] {
            assert_eq!(nearest(written, KEYS), Some(meant), "{written}");
        }
    }

    #[test]
    fn different_words_are_left_alone() {
        for written in ["", "x", "cpu", "environment", "ab", "tax"] {
            assert_eq!(nearest(written, KEYS), None, "{written}");
        }
        assert_eq!(nearest("containers_a", ["container_ab", "containers_b"]), Some("containers_b"));
        assert_eq!(nearest("imutable", ["mutable", "immutable"]), Some("immutable"));
        assert_eq!(nearest("secu", ["security_groups", "security_policies"]), None);
    }

    #[test]
    fn several_equally_near_names_are_all_named() {
        assert_eq!(did_you_mean("ecx", ["ecs", "ecr", "ec2"]).as_deref(), Some("did you mean `ecs`, `ecr` or `ec2`?"));
        assert_eq!(did_you_mean("qqqqqq", ["ecs"]), None);
        assert_eq!(all_nearest("papyrsu", ["papyrus", "papyri", "other"]), ["papyrus"]);
        assert_eq!(all_nearest("allow", ["Allow", "Deny"]), ["Allow"]);
        assert!(all_nearest("a", ["ecs", "ecr"]).is_empty());
    }

    #[test]
    fn long_lists_show_the_nearest_first() {
        let many: Vec<String> = (0..20).map(|n| format!("key_{n}")).chain(["retention_days".to_owned()]).collect();
        let text = list_of("retension", many.iter().map(String::as_str));
        assert!(text.contains("`retention_days`"), "{text}");
        assert!(text.ends_with(" and 9 more"), "{text}");
        assert_eq!(list_of("x", ["a", "b"]), "`a`, `b`");
    }
}
