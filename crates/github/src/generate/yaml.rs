//! The text of a workflow file in the making.

/// A YAML text, written line by line.
#[derive(Debug, Default)]
pub(super) struct Yaml(String);

impl Yaml {
    /// Adds lines, each at this depth of two blanks. Blank lines stay blank.
    pub(super) fn add(&mut self, depth: usize, lines: &str) -> &mut Self {
        for line in lines.lines() {
            if !line.is_empty() {
                self.0.push_str(&"  ".repeat(depth));
                self.0.push_str(line);
            }
            self.0.push('\n');
        }
        self
    }

    /// Adds a blank line.
    pub(super) fn blank(&mut self) -> &mut Self {
        self.0.push('\n');
        self
    }

    /// Adds an empty region in which readers may write.
    pub(super) fn keep(&mut self, depth: usize, name: &str) -> &mut Self {
        self.add(depth, &format!("# hatoba:keep {name}\n# hatoba:end"))
    }

    pub(super) fn done(self) -> String {
        self.0
    }
}

/// A text as a scalar: plain where every reader of YAML takes it for this text, else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ':' | '@' | '+');
    let starts = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '.' | '_' | '/'));
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", ".inf", ".nan"];
    let word = words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if starts && !word && !text.ends_with(':') && text.chars().all(plain) && text.parse::<f64>().is_err() {
        text.to_owned()
    } else {
        // The strings of JSON are strings of YAML.
        serde_json::Value::from(text).to_string()
    }
}

/// Texts as a list in one line.
pub(super) fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| in_list(text)).collect::<Vec<_>>().join(", "))
}

fn in_list(text: &str) -> String {
    scalar(text)
}

/// A word as a shell takes it.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        for plain in ["main", "release/v1", "arn:aws:iam::123456789012:role/ci", ".", "./a", "us-west-2"] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in ["", "1", "1e3", "true", "No", "*", "a: b", "a b", "#a", "-", "12:30", "a:", "日本", "{a}", ".5"]
        {
            assert!(scalar(quoted).starts_with('"'), "{quoted}");
        }
        assert_eq!(list(&["main".into(), "v*".into()]), "[main, \"v*\"]");
        assert_eq!(word("it's"), "'it'\\''s'");
    }
}
