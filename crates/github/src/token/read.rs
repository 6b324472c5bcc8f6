//! From the text of a token to its claims.

use std::collections::BTreeMap;

use serde_json::Value;

use super::base64url::decode;

/// The longest token that is read, in bytes. Those of GitHub have about 2,000.
pub const MAX_TOKEN: usize = 64 << 10;

/// What a token says.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Its claims as texts, in the order of their names. Lists and numbers are written as JSON does.
    pub claims: BTreeMap<String, String>,
    /// Audiences; usually one.
    pub audiences: Vec<String>,
    /// From when it is valid, in seconds since 1970.
    pub issued: Option<u64>,
    /// Until when it is valid, in seconds since 1970.
    pub expires: Option<u64>,
    /// How it is signed: GitHub's are signed with `RS256`.
    pub algorithm: Option<String>,
}

/// Why a text is no token. No message shows any part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is longer than [`MAX_TOKEN`].
    #[error("it is longer than any token")]
    Long,
    /// It does not have three parts.
    #[error("it does not have the three parts of a token, with dots between them")]
    Parts,
    /// A part is not base64url.
    #[error("its {0} is not base64url; a part of it may be missing")]
    Encoding(&'static str),
    /// A part is not a JSON object.
    #[error("its {0} is not JSON; a part of it may be missing")]
    Json(&'static str),
    /// It is one of the credentials of AWS.
    #[error("this is a key of AWS, not a token of GitHub")]
    Key,
}

/// Reads a token: a JWT as `core.getIDToken` gives it, alone, after `Bearer`, or in the answer of GitHub's endpoint
/// (`{"value":"…"}`).
///
/// # Errors
/// When it is no token.
pub fn read(text: &str) -> Result<Token, TokenError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TokenError::Empty);
    }
    if text.len() > MAX_TOKEN {
        return Err(TokenError::Long);
    }
    let answer = serde_json::from_str::<Value>(text).ok();
    let inner = answer.as_ref().and_then(|answer| answer.as_str().or_else(|| answer.get("value")?.as_str()));
    let text = inner.unwrap_or(text).trim();
    let text = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")).unwrap_or(text).trim();
    if text.starts_with("AKIA") || text.starts_with("ASIA") {
        return Err(TokenError::Key);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, _signature] = parts.as_slice() else { return Err(TokenError::Parts) };
    let header = object(header, "first part")?;
    let payload = object(payload, "second part")?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let audiences = match payload.get("aud") {
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(one) => vec![text(one)],
        None => Vec::new(),
    };
    Ok(Token {
        audiences,
        issued: payload.get("iat").and_then(Value::as_u64),
        expires: payload.get("exp").and_then(Value::as_u64),
        algorithm: header.get("alg").map(text),
        claims: payload.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
    })
}

fn object(part: &str, name: &'static str) -> Result<serde_json::Map<String, Value>, TokenError> {
    let bytes = decode(part).ok_or(TokenError::Encoding(name))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(TokenError::Json(name)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    /// `{"alg":"RS256"}`, `{"sub":"repo:acme/papyrus:pull_request","aud":"sts.amazonaws.com","exp":1790000000}`.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvOmFjbWUvcGFweXJ1czpwdWxsX3JlcXVlc3QiLCJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbSIsImV4cCI6MTc5MDAwMDAwMH0.c2VjcmV0";

    #[test]
    fn in_every_wrapping() {
        for text in [
            TOKEN.to_owned(),
            format!("Bearer {TOKEN}\n"),
            format!("{{\"count\":1,\"value\":\"{TOKEN}\"}}"),
            format!("\"{TOKEN}\""),
        ] {
            let token = read(&text).unwrap();
            assert_eq!(token.claims["sub"], "repo:acme/papyrus:pull_request");
            assert_eq!(
                (token.audiences.as_slice(), token.expires),
                (&["sts.amazonaws.com".to_owned()][..], Some(1_790_000_000))
            );
            assert_eq!(token.algorithm.as_deref(), Some("RS256"));
            assert!(!format!("{token:?}").contains("c2VjcmV0"));
        }
    }

    #[test]
    fn what_is_no_token() {
        let cut = &TOKEN[..80];
        for (text, error) in [
            ("", TokenError::Empty),
            ("a.b", TokenError::Parts),
            (cut, TokenError::Parts),
            ("a!.b.c", TokenError::Encoding("first part")),
            ("Zm9v.Zm9v.c", TokenError::Json("first part")),
            ("AKIAIOSFODNN7EXAMPLE", TokenError::Key),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
        assert_eq!(read(&"a".repeat(MAX_TOKEN + 1)), Err(TokenError::Long));
    }
}
