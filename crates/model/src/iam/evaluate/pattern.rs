//! Texts with `*` and `?`, matched in time proportional to the product of both lengths, whatever the pattern.

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Char(char),
    /// `?`: one character.
    One,
    /// `*`: any run of characters, also none.
    Any,
    /// `?` inside a part of an ARN: one character that is no colon.
    OneInPart,
    /// `*` inside a part of an ARN: a run without colons.
    AnyInPart,
}

impl Token {
    fn takes(self, c: char, fold: bool) -> bool {
        match self {
            Self::Char(own) => same(own, c, fold),
            Self::One | Self::Any => true,
            Self::OneInPart | Self::AnyInPart => c != ':',
        }
    }

    fn repeats(self) -> bool {
        matches!(self, Self::Any | Self::AnyInPart)
    }
}

/// Whether two characters are the same; `fold`: whatever their case.
pub(super) fn same(one: char, other: char, fold: bool) -> bool {
    one == other || fold && one.to_lowercase().eq(other.to_lowercase())
}

/// How far a text follows a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Whether it matches to the end.
    pub(super) matches: bool,
    /// How many characters of the text the pattern can take.
    pub(super) taken: usize,
    /// How many tokens of the pattern are behind when it can take no more.
    pub(super) passed: usize,
}

/// The tokens of a text in which `*` and `?` are wildcards.
pub(super) fn wild(text: &str) -> Vec<Token> {
    text.chars().map(wildcard).collect()
}

/// What a character of a pattern stands for.
pub(super) fn wildcard(c: char) -> Token {
    match c {
        '*' => Token::Any,
        '?' => Token::One,
        other => Token::Char(other),
    }
}

/// Follows a text through a pattern. `fold`: letters match whatever their case.
pub(super) fn follow(pattern: &[Token], text: &str, fold: bool) -> Progress {
    // The tokens that may be next. A star may be skipped, and stays when it takes a character.
    let mut next = vec![false; pattern.len() + 1];
    reach(pattern, &mut next, 0);
    let mut taken = 0;
    for c in text.chars() {
        let mut after = vec![false; pattern.len() + 1];
        for (at, token) in pattern.iter().enumerate() {
            if next[at] && token.takes(c, fold) {
                reach(pattern, &mut after, if token.repeats() { at } else { at + 1 });
            }
        }
        if !after.contains(&true) {
            return Progress { matches: false, taken, passed: last(&next) };
        }
        next = after;
        taken += 1;
    }
    Progress { matches: next[pattern.len()], taken, passed: last(&next) }
}

/// Whether the whole text matches.
pub(super) fn matches(pattern: &[Token], text: &str, fold: bool) -> bool {
    follow(pattern, text, fold).matches
}

/// Marks a place and those behind the stars that begin there.
fn reach(pattern: &[Token], places: &mut [bool], from: usize) {
    for (at, place) in places.iter_mut().enumerate().skip(from) {
        if *place {
            return;
        }
        *place = true;
        if !pattern.get(at).is_some_and(|token| token.repeats()) {
            return;
        }
    }
}

fn last(places: &[bool]) -> usize {
    places.iter().rposition(|place| *place).unwrap_or_default()
}

/// Whether a pattern of a `Resource` matches. Wildcards stay inside their part of the ARN, with two exceptions that the IAM User
/// Guide names: a `*` that ends a part may run on over the colons behind it ("IAM JSON policy elements: Resource"), and parts that
/// are missing at the end count as `*` ("IAM identifiers"). The sixth part has no inner borders.
pub(super) fn resource_matches(pattern: &[Token], resource: &str) -> bool {
    let confined = confine(pattern, true);
    if matches(&confined, resource, false) {
        return true;
    }
    let mut missing = 5_usize.saturating_sub(colons(pattern));
    if missing == 5 {
        return false;
    }
    let mut completed = confined;
    while missing > 0 {
        completed.extend([Token::Char(':'), Token::Any]);
        missing -= 1;
    }
    matches(&completed, resource, false)
}

/// Whether a pattern of the ARN operators matches: each of the six parts by itself (IAM User Guide, "Amazon Resource Name (ARN)
/// condition operators"). `*` alone is any ARN: the guide does not say, and IAM accepts it.
pub(super) fn arn_matches(pattern: &[Token], arn: &str) -> bool {
    is_arn(arn) && (pattern == [Token::Any] || matches(&confine(pattern, false), arn, false))
}

/// Whether a text has the shape of an ARN: six parts, the first `arn`.
pub(super) fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.matches(':').count() >= 5
}

/// The pattern with its wildcards kept inside the first five parts of an ARN.
fn confine(pattern: &[Token], runs_on: bool) -> Vec<Token> {
    let mut seen = 0;
    pattern
        .iter()
        .enumerate()
        .map(|(at, token)| {
            let ends_part = matches!(pattern.get(at + 1), None | Some(Token::Char(':')));
            match token {
                Token::Char(':') => seen += 1,
                Token::One if seen < 5 => return Token::OneInPart,
                Token::Any if seen < 5 && !(runs_on && ends_part) => return Token::AnyInPart,
                _ => {}
            }
            *token
        })
        .collect()
}

fn colons(pattern: &[Token]) -> usize {
    pattern.iter().filter(|token| **token == Token::Char(':')).count()
}

#[cfg(test)]
mod tests {
    use super::{Progress, arn_matches, follow, matches, resource_matches, wild};

    #[test]
    fn stars_and_question_marks() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("a**c", "ac", true),
            ("a?c", "aüc", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("[a-z]", "b", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(&wild(pattern), text, false), expected, "{pattern} {text}");
        }
        assert!(matches(&wild("ECR:put*"), "ecr:PutImage", true));
        assert!(!matches(&wild("ecr:Put*"), "ecr:putImage", false));
    }

    #[test]
    fn how_far_a_text_follows() {
        assert_eq!(follow(&wild("ab*d"), "abcce", false), Progress { matches: false, taken: 5, passed: 3 });
        assert_eq!(follow(&wild("abc"), "abd", false), Progress { matches: false, taken: 2, passed: 2 });
        assert_eq!(follow(&wild("abc"), "ab", false), Progress { matches: false, taken: 2, passed: 2 });
        assert_eq!(follow(&wild("ab"), "abc", false), Progress { matches: false, taken: 2, passed: 2 });
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let pattern = wild(&"*a".repeat(200));
        assert!(!matches(&pattern, &format!("{}b", "a".repeat(2000)), false));
    }

    #[test]
    fn wildcards_stay_in_their_part_of_an_arn() {
        let log_group = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus:log-stream:app";
        let resource = |pattern: &str| resource_matches(&wild(pattern), log_group);
        let arn = |pattern: &str| arn_matches(&wild(pattern), log_group);
        for both in [
            "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus:*",
            "arn:aws:logs:*:*:*",
            "arn:aws:logs:us-*-2:1234?6789012:log-group:*stream*",
            "*",
        ] {
            assert!(resource(both) && arn(both), "{both}");
        }
        for neither in [
            "arn:aws:logs:us-w*2:log-group:*",
            "arn:aws:logs:us-west-2?123456789012:*",
            "arn:aws:LOGS:*:*:*",
            "arn:aws:ecs",
            "logs",
        ] {
            assert!(!resource(neither) && !arn(neither), "{neither}");
        }
        for resource_only in
            ["arn:aws:logs:*", "arn:aws:logs", "arn:aws:logs:us-west-2", "arn:aws:logs:*:log-stream:app"]
        {
            assert!(resource(resource_only) && !arn(resource_only), "{resource_only}");
        }
        assert!(!resource_matches(&wild("arn"), "arn:aws:s3:::papyrus"), "a word is not completed");
        assert!(!arn_matches(&wild("*"), "papyrus"), "not an ARN");
    }
}
