//! Filters of branches and tags. Source: GitHub Actions documentation, "Workflow syntax", filter pattern cheat sheet.

use super::model::Text;

/// `branches` and `branches-ignore`, or the same for tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Patterns of those that count. A pattern that begins with `!` takes away again.
    pub only: Option<Vec<Text>>,
    /// Patterns of those that do not count.
    pub ignore: Option<Vec<Text>>,
}

impl Filter {
    /// Whether anything is filtered.
    pub fn is_given(&self) -> bool {
        self.only.is_some() || self.ignore.is_some()
    }

    /// Whether a name passes. Without a filter all do.
    pub fn admits(&self, name: &str) -> bool {
        if let Some(patterns) = &self.only {
            // The last pattern that matches decides.
            return patterns.iter().rev().find_map(|pattern| match pattern.text.strip_prefix('!') {
                Some(without) => glob(without, name).then_some(false),
                None => glob(&pattern.text, name).then_some(true),
            }) == Some(true);
        }
        !self.ignore.iter().flatten().any(|pattern| glob(&pattern.text, name))
    }

    /// For each pattern a name that it admits, with whether the pattern admits others, too.
    pub fn examples(&self) -> Vec<(String, bool)> {
        let patterns = self.only.iter().flatten().filter(|pattern| !pattern.text.starts_with('!'));
        let mut found: Vec<(String, bool)> = Vec::new();
        for pattern in patterns {
            let name = example(&pattern.text);
            let open = name != pattern.text;
            if self.admits(&name) && !found.iter().any(|(other, _)| *other == name) {
                found.push((name, open));
            }
        }
        found
    }
}

/// What one place of a name may be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    One(char),
    Class(Vec<(char, char)>),
    /// Any run, with or without slashes.
    Run {
        slashes: bool,
    },
    /// The atom once or not at all.
    Maybe(Box<Atom>),
    /// The atom once or more often.
    Many(Box<Atom>),
}

fn atoms(pattern: &str) -> Vec<Atom> {
    let mut found: Vec<Atom> = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let atom = match c {
            '*' => {
                let mut slashes = false;
                while chars.next_if_eq(&'*').is_some() {
                    slashes = true;
                }
                Atom::Run { slashes }
            }
            '?' | '+' => match found.pop() {
                Some(before) if c == '?' => Atom::Maybe(Box::new(before)),
                Some(before) => Atom::Many(Box::new(before)),
                None => Atom::One(c),
            },
            '[' => {
                let mut class = Vec::new();
                while let Some(first) = chars.next_if(|c| *c != ']') {
                    let mut last = first;
                    if chars.next_if_eq(&'-').is_some() {
                        last = chars.next_if(|c| *c != ']').unwrap_or('-');
                    }
                    class.push((first, last));
                }
                chars.next();
                Atom::Class(class)
            }
            '\\' => Atom::One(chars.next().unwrap_or('\\')),
            c => Atom::One(c),
        };
        found.push(atom);
    }
    found
}

impl Atom {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::One(own) => *own == c,
            Self::Class(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)),
            Self::Run { slashes } => *slashes || c != '/',
            Self::Maybe(inner) | Self::Many(inner) => inner.takes(c),
        }
    }

    /// Whether it may take nothing, and whether it may take more than one character.
    fn bounds(&self) -> (bool, bool) {
        match self {
            Self::One(_) | Self::Class(_) => (false, false),
            Self::Run { .. } => (true, true),
            Self::Maybe(inner) => (true, inner.bounds().1),
            Self::Many(inner) => (inner.bounds().0, true),
        }
    }
}

/// Whether a name matches a pattern: `*` is any run without slashes, `**` any run, `?` and `+` repeat what stands before them,
/// `[0-9]` is one of a class. All of the name must match. Takes time in proportion to both lengths.
pub fn glob(pattern: &str, name: &str) -> bool {
    let atoms = atoms(pattern);
    // Which atoms may come next; `started` tells those that have taken a character already.
    let mut states = vec![(false, false); atoms.len() + 1];
    states[0].0 = true;
    let skip = |states: &mut Vec<(bool, bool)>| {
        for (at, atom) in atoms.iter().enumerate() {
            let (fresh, started) = states[at];
            if started || fresh && atom.bounds().0 {
                states[at + 1].0 = true;
            }
        }
    };
    skip(&mut states);
    for c in name.chars() {
        let mut next = vec![(false, false); atoms.len() + 1];
        for (at, atom) in atoms.iter().enumerate() {
            let (fresh, started) = states[at];
            if atom.takes(c) && (fresh || started && atom.bounds().1) {
                next[at].1 = true;
            }
        }
        states = next;
        skip(&mut states);
    }
    states.last().is_some_and(|(end, _)| *end)
}

/// A name that matches a pattern, made to be read: `release/**` gives `release/example`, a pattern without signs itself.
pub fn example(pattern: &str) -> String {
    let tag = pattern.starts_with(['v', 'V']) && pattern.contains('*') || pattern.contains("[0-9]");
    let run = if tag { "1" } else { "example" };
    let mut out = String::new();
    for atom in atoms(pattern) {
        sample(&atom, run, &mut out);
    }
    out
}

fn sample(atom: &Atom, run: &str, out: &mut String) {
    match atom {
        Atom::One(c) => out.push(*c),
        Atom::Class(ranges) => out.extend(ranges.last().map(|(first, _)| if *first == '0' { '1' } else { *first })),
        Atom::Run { .. } => out.push_str(run),
        Atom::Maybe(inner) | Atom::Many(inner) => sample(inner, run, out),
    }
}

#[cfg(test)]
mod tests {
    use hatoba_model::yaml::{Pos, Span};

    use super::*;

    fn filter(only: &[&str]) -> Filter {
        let text = |text: &&str| Text { text: (*text).to_owned(), span: Span::point(Pos::START) };
        Filter { only: Some(only.iter().map(text).collect()), ignore: None }
    }

    #[test]
    fn patterns_of_the_cheat_sheet() {
        for (pattern, yes, no) in [
            ("main", &["main"][..], &["main2", "x/main", "Main"][..]),
            ("*", &["main", "releases"], &["releases/1"]),
            ("**", &["main", "releases/1/2"], &[]),
            ("releases/**", &["releases/10", "releases/a/b"], &["releases", "xreleases/1"]),
            ("*feature", &["my-feature", "feature"], &["x/feature"]),
            ("**feature", &["beta/feature", "my-feature"], &["features"]),
            ("v[12].[0-9]+.[0-9]+", &["v1.10.1", "v2.0.0"], &["v3.0.0", "v1.0", "v1..0"]),
            ("v2*", &["v2", "v2.0"], &["v1"]),
            ("*.jsx?", &["page.js", "page.jsx"], &["page.jsxx"]),
            ("v*.*.*", &["v1.2.3"], &["v1.2", "1.2.3"]),
        ] {
            for name in yes {
                assert!(glob(pattern, name), "{pattern} {name}");
            }
            for name in no {
                assert!(!glob(pattern, name), "{pattern} {name}");
            }
            assert!(glob(pattern, &example(pattern)), "{pattern} {}", example(pattern));
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let filter = filter(&["releases/**", "!releases/**-alpha"]);
        assert!(filter.admits("releases/10") && !filter.admits("releases/10-alpha") && !filter.admits("main"));
        assert_eq!(filter.examples(), [("releases/example".to_owned(), true)]);
    }

    #[test]
    fn long_patterns_take_no_time() {
        assert!(!glob(&format!("{}c", "a*".repeat(200)), &format!("{}b", "a".repeat(2000))));
    }
}
