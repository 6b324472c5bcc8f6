//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}` (IAM User Guide, "IAM policy elements: Variables
//! and tags").

use super::pattern::{Token, wildcard};
use super::request::Context;

/// A text of a policy, with its variables found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// As written; `*` and `?` are wildcards where the place allows any.
    Text(String),
    /// `${*}`, `${?}`, `${$}`: that character.
    Escaped(char),
    /// `${name}` or `${name, 'default'}`.
    Variable { name: String, default: Option<String> },
}

/// A text with the variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// For the eye: wildcards as written, variables replaced where they have a value.
    pub(super) text: String,
    /// For comparison; the name of a variable without a value when there is one: such a text equals and is like nothing.
    pub(super) tokens: Result<Vec<Token>, String>,
}

impl Template {
    /// A text without variables: all of version 2008-10-17, and those elements that have none.
    pub(super) fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())] }
    }

    /// A text of version 2012-10-17.
    ///
    /// # Errors
    ///
    /// What is wrong with a variable, as a lower-case fragment. IAM refuses such a policy.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("${") {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inside = &rest[open + 2..];
            let Some(length) = inside.find('}') else {
                return Err(format!("the variable that begins with `{}` has no `}}`", &rest[open..]));
            };
            parts.push(variable(&inside[..length])?);
            rest = &inside[length + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Replaces the variables. Values are taken as they are: a `*` in one is no wildcard. `wild`: whether `*` and `?` of the policy's
    /// own text are.
    pub(super) fn resolve(&self, context: &Context, wild: bool) -> Resolved {
        let mut text = String::new();
        let mut tokens = Vec::new();
        let mut missing = None;
        for part in &self.parts {
            match part {
                Part::Text(own) => {
                    text.push_str(own);
                    tokens.extend(own.chars().map(|c| if wild { wildcard(c) } else { Token::Char(c) }));
                }
                Part::Escaped(c) => {
                    text.push(*c);
                    tokens.push(Token::Char(*c));
                }
                Part::Variable { name, default } => {
                    // A key with several values cannot be a variable.
                    let value = match context.get(name) {
                        Some([value]) => Some(value),
                        Some(_) => None,
                        None => default.as_ref(),
                    };
                    if let Some(value) = value {
                        text.push_str(value);
                        tokens.extend(value.chars().map(Token::Char));
                    } else {
                        text.push_str(&format!("${{{name}}}"));
                        missing.get_or_insert_with(|| name.clone());
                    }
                }
            }
        }
        Resolved { text, tokens: missing.map_or(Ok(tokens), Err) }
    }
}

/// What stands between `${` and `}`.
fn variable(inside: &str) -> Result<Part, String> {
    let mut chars = inside.chars();
    if let (Some(c @ ('*' | '?' | '$')), None) = (chars.next(), chars.next()) {
        return Ok(Part::Escaped(c));
    }
    let (name, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((name, rest)) => {
            let default = rest.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            let Some(default) = default else {
                return Err(format!("the default of the variable `${{{inside}}}` is not in single quotes"));
            };
            (name, Some(default.to_owned()))
        }
    };
    let name = name.trim();
    if name.is_empty() {
        return Err(format!("the variable `${{{inside}}}` has no name"));
    }
    Ok(Part::Variable { name: name.to_owned(), default })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::{Context, Template};
    use crate::iam::evaluate::pattern::matches;

    fn context() -> Context {
        let mut context = Context::default();
        context.set("aws:username", ["mika"]);
        context.set("aws:PrincipalTag/star", ["a*"]);
        context.set("aws:TagKeys", ["one", "two"]);
        context
    }

    #[test]
    fn variables_are_replaced_and_their_values_are_no_patterns() {
        let resolve = |text: &str| Template::parse(text).unwrap().resolve(&context(), true);
        assert_eq!(resolve("home/${aws:UserName}/*").text, "home/mika/*");
        assert_eq!(resolve("${aws:PrincipalTag/team, 'no one'}").text, "no one");
        assert_eq!(resolve("${aws:username,'x'}").text, "mika");
        assert_eq!(resolve("a${*}${?}${$}{b}").text, "a*?${b}");
        let matches = |pattern: &str, text: &str| matches(&resolve(pattern).tokens.unwrap(), text, false);
        assert!(matches("${aws:PrincipalTag/star}*", "a*bc"));
        assert!(!matches("${aws:PrincipalTag/star}", "abc"));
        assert!(matches("${*}", "*"));
        assert!(!matches("${*}", "x"));
    }

    #[test]
    fn a_variable_without_a_value_is_named() {
        let resolved = Template::parse("a/${aws:PrincipalTag/team}").unwrap().resolve(&context(), true);
        assert_eq!(resolved.text, "a/${aws:PrincipalTag/team}");
        assert_eq!(resolved.tokens, Err("aws:PrincipalTag/team".to_owned()));
        assert!(Template::parse("${aws:TagKeys}").unwrap().resolve(&context(), true).tokens.is_err());
    }

    #[test]
    fn broken_variables_are_refused() {
        for (text, expected) in [
            ("a${aws:username", "has no `}`"),
            ("${}", "has no name"),
            ("${, 'x'}", "has no name"),
            ("${aws:username, x}", "not in single quotes"),
        ] {
            assert!(Template::parse(text).unwrap_err().contains(expected), "{text}");
        }
        assert_eq!(Template::plain("${aws:username").resolve(&context(), true).text, "${aws:username");
    }
}
