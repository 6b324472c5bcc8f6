//! Texts with expressions in them.

use super::eval::{Context, Value, evaluate};
use super::parse::{ParseError, parse};

/// A part of a text as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text.
    Literal(&'a str),
    /// What stands between `${{` and `}}`.
    Expression(&'a str),
}

/// A part of a text once its expressions have values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Known(String),
    /// Text that only a run can tell, by the name of what it depends on.
    Unknown(String),
}

/// A text once its expressions have values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

impl Rendered {
    /// A text that is known.
    pub fn of(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Known(text.into())] }
    }

    /// The whole text, if all of it is known.
    pub fn known(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Known(text) => Some(text.as_str()),
                Part::Unknown(_) => None,
            })
            .collect()
    }

    /// What the unknown parts depend on.
    pub fn unknown(&self) -> Vec<&str> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Unknown(name) => Some(name.as_str()),
                Part::Known(_) => None,
            })
            .collect()
    }

    /// The text with `${{ NAME }}` where something is unknown.
    pub fn shown(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Known(text) => text.clone(),
                Part::Unknown(name) => format!("${{{{ {name} }}}}"),
            })
            .collect()
    }
}

/// The pieces of a text. An expression that is not closed is text, as far as this function goes.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${{") {
        let Some(end) = closing(&rest[start + 3..]) else { break };
        if start > 0 {
            found.push(Piece::Literal(&rest[..start]));
        }
        found.push(Piece::Expression(rest[start + 3..start + 3 + end].trim()));
        rest = &rest[start + 3 + end + 2..];
    }
    if !rest.is_empty() {
        found.push(Piece::Literal(rest));
    }
    found
}

/// Where `}}` stands that is not inside of quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted && text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

/// The text with the values of its expressions. An expression that cannot be read is unknown.
pub fn render(text: &str, cx: &dyn Context) -> Rendered {
    let parts = pieces(text).into_iter().map(|piece| match piece {
        Piece::Literal(text) => Part::Known(text.to_owned()),
        Piece::Expression(text) => match parse(text).map(|expr| evaluate(&expr, cx)) {
            Ok(Value::Unknown(name)) => Part::Unknown(name),
            Ok(value) => Part::Known(value.text().unwrap_or_default()),
            Err(_) => Part::Unknown(text.to_owned()),
        },
    });
    Rendered { parts: parts.collect() }
}

/// The value of an `if:`, which is an expression with or without `${{` and `}}`.
///
/// # Errors
/// When it is no expression.
pub fn condition(text: &str, cx: &dyn Context) -> Result<Value, ParseError> {
    match pieces(text.trim()).as_slice() {
        [Piece::Expression(expr)] => Ok(evaluate(&parse(expr)?, cx)),
        // With text around the expression the whole is a text that is not empty, which counts as true.
        [_, _, ..] => Ok(Value::Bool(true)),
        _ => Ok(evaluate(&parse(text)?, cx)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(path: &[&str]) -> Value {
        match path {
            ["env", "REGION"] => Value::Text("us-west-2".into()),
            path => Value::Unknown(path.join(".")),
        }
    }

    #[test]
    fn known_and_unknown_parts() {
        let rendered = render("arn:aws:iam::${{ vars.ACCOUNT }}:role/papyrus-${{env.REGION}}", &context);
        assert_eq!(rendered.known(), None);
        assert_eq!(rendered.unknown(), ["vars.ACCOUNT"]);
        assert_eq!(rendered.shown(), "arn:aws:iam::${{ vars.ACCOUNT }}:role/papyrus-us-west-2");
        assert_eq!(render("in ${{ env.REGION }}", &context).known().as_deref(), Some("in us-west-2"));
        assert_eq!(render("${{ open", &context).known().as_deref(), Some("${{ open"));
        assert_eq!(render("${{ '}}' }}!", &context).known().as_deref(), Some("}}!"));
    }

    #[test]
    fn conditions_with_and_without_braces() {
        for text in ["env.REGION == 'us-west-2'", "${{ env.REGION == 'us-west-2' }}", " ${{ false }} && x"] {
            assert_eq!(condition(text, &context), Ok(Value::Bool(true)), "{text}");
        }
        assert!(condition("env.REGION = 'x'", &context).is_err());
    }
}
