//! Where a value stands in a tree: `services.papyrus.network.subnets[1]`.

use std::fmt;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The value of this key of a mapping.
    Key(String),
    /// The element of a list, counted from 0.
    Index(usize),
}

/// The way from the root of a tree to one of its values.
///
/// Shown as `services.papyrus.ports[0]`; a key with characters other than letters, digits, `_` and `-` is shown
/// quoted, as in `log_groups["/ecs/papyrus"]`. The root is shown as the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The root of the tree.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path that goes through these keys, from the root.
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Segment::Key((*key).to_owned())).collect())
    }

    /// This path, one key further down.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.step(Segment::Key(key.into()))
    }

    /// This path, one list element further down; `index` counts from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Segment::Index(index))
    }

    /// This path, one step further down.
    #[must_use]
    pub fn step(&self, segment: Segment) -> Self {
        let mut longer = self.clone();
        longer.0.push(segment);
        longer
    }

    /// The path of the mapping or list this value is in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, init) = self.0.split_last()?;
        Some(Self(init.to_vec()))
    }

    /// The last step; `None` for the root.
    pub fn last(&self) -> Option<&Segment> {
        self.0.last()
    }

    /// The steps from the root down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `self` is `other` or stands above it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl From<Vec<Segment>> for Path {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

impl From<&[&str]> for Path {
    fn from(keys: &[&str]) -> Self {
        Self::of(keys)
    }
}

impl<const N: usize> From<&[&str; N]> for Path {
    fn from(keys: &[&str; N]) -> Self {
        Self::of(keys)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_bare(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a key can be shown without quotes.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_keys_indices_and_odd_keys() {
        let path = Path::root().key("services").key("papyrus").key("network").key("subnets").index(1);
        assert_eq!(path.to_string(), "services.papyrus.network.subnets[1]");
        let path = Path::of(&["log_groups", "/ecs/papyrus", "retention_days"]);
        assert_eq!(path.to_string(), r#"log_groups["/ecs/papyrus"].retention_days"#);
        assert_eq!(Path::of(&["", "a\"b\u{1b}"]).to_string(), r#"[""]["a\"b\u{1b}"]"#);
        assert_eq!(Path::root().to_string(), "");
    }

    #[test]
    fn knows_what_stands_above() {
        let path = Path::of(&["a", "b"]).index(2);
        assert_eq!(path.parent(), Some(Path::of(&["a", "b"])));
        assert_eq!(path.last(), Some(&Segment::Index(2)));
        assert_eq!(Path::root().parent(), None);
        assert!(Path::of(&["a"]).contains(&path));
        assert!(path.contains(&path));
        assert!(!path.contains(&Path::of(&["a"])));
        assert!(!Path::of(&["a", "c"]).contains(&path));
    }
}
