//! From the text of an expression to its words.

use super::parse::ParseError;

/// One word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name: `github`, `startsWith`.
    Name(String),
    /// A text in single quotes, which are doubled inside of it.
    Text(String),
    /// A number.
    Number(f64),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Longer signs come before those they begin with.
const SIGNS: [&str; 17] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ".", ",", "*", "-"];

/// The words of an expression.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (string, after) =
                quoted(&rest[1..]).ok_or_else(|| ParseError("a text has no closing `'`".to_owned()))?;
            found.push(Token::Text(string));
            rest = after;
        } else if first == '"' {
            return Err(ParseError("texts stand in single quotes in an expression".to_owned()));
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
            found.push(Token::Number(number(&rest[..end])?));
            rest = &rest[end..];
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
            found.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            return Err(ParseError(format!("`{first}` has no meaning in an expression")));
        }
        rest = rest.trim_start();
    }
    Ok(found)
}

fn number(text: &str) -> Result<f64, ParseError> {
    let hex = text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok().map(f64::from));
    hex.or_else(|| text.parse().ok()).ok_or_else(|| ParseError(format!("`{text}` is no number")))
}

/// The text up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut string = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('\'')?;
        string.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                string.push('\'');
                rest = after;
            }
            None => return Some((string, rest)),
        }
    }
}
