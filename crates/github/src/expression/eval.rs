//! The value of an expression, as far as it can be known before a run.

use super::parse::Expr;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// What only a run can tell, by the name of what it depends on: `secrets.AWS_ROLE_ARN`.
    Unknown(String),
}

/// Where the names of an expression get their values.
pub trait Context {
    /// The value at a path such as `["github", "ref"]`.
    fn look(&self, path: &[&str]) -> Value;
}

impl<F: Fn(&[&str]) -> Value> Context for F {
    fn look(&self, path: &[&str]) -> Value {
        self(path)
    }
}

impl Value {
    /// Whether it counts as true; nothing when that is not known.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Null => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Number(number) => Some(*number != 0.0 && !number.is_nan()),
            Self::Text(text) => Some(!text.is_empty()),
            Self::Unknown(_) => None,
        }
    }

    /// As it stands in a text; nothing when it is not known.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Null => Some(String::new()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Unknown(_) => None,
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(number) => *number,
            Self::Text(text) if text.trim().is_empty() => 0.0,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
            Self::Unknown(_) => f64::NAN,
        }
    }
}

/// The value of an expression.
pub fn evaluate(expr: &Expr, cx: &dyn Context) -> Value {
    match expr {
        Expr::Null => Value::Null,
        Expr::Bool(value) => Value::Bool(*value),
        Expr::Number(number) => Value::Number(*number),
        Expr::Text(text) => Value::Text(text.clone()),
        Expr::Path(path) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            cx.look(&path)
        }
        Expr::Index(of, member) => match (of.as_ref(), evaluate(member, cx)) {
            (Expr::Path(path), Value::Text(name)) => {
                let path: Vec<&str> = path.iter().map(String::as_str).chain([name.as_str()]).collect();
                cx.look(&path)
            }
            (_, unknown @ Value::Unknown(_)) => unknown,
            (Expr::Path(path), _) => Value::Unknown(path.join(".")),
            _ => Value::Unknown("a computed member".to_owned()),
        },
        Expr::Not(inner) => {
            let value = evaluate(inner, cx);
            value.truth().map_or(value, |truth| Value::Bool(!truth))
        }
        Expr::Binary(sign, left, right) => binary(sign, evaluate(left, cx), || evaluate(right, cx)),
        Expr::Call(name, arguments) => {
            call(name, &arguments.iter().map(|argument| evaluate(argument, cx)).collect::<Vec<_>>())
        }
    }
}

/// `&&` and `||` give one of their sides, and what is unknown on one side may not matter.
fn binary(sign: &str, left: Value, right: impl FnOnce() -> Value) -> Value {
    match (sign, left.truth()) {
        ("&&", Some(true)) | ("||", Some(false)) => return right(),
        ("&&", Some(false)) | ("||", Some(true)) => return left,
        ("&&", None) => {
            let right = right();
            return if right.truth() == Some(false) { right } else { left };
        }
        ("||", None) => {
            let right = right();
            // Whatever the left side is, the result counts as true; which text it is stays open.
            return if right.truth() == Some(true) && !matches!(right, Value::Text(_)) { right } else { left };
        }
        _ => {}
    }
    let right = right();
    if matches!(left, Value::Unknown(_)) {
        return left;
    }
    if matches!(right, Value::Unknown(_)) {
        return right;
    }
    let equal = || match (&left, &right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        // Case does not count.
        (Value::Text(a), Value::Text(b)) => a.to_lowercase() == b.to_lowercase(),
        _ => left.number() == right.number(),
    };
    let (a, b) = (left.number(), right.number());
    Value::Bool(match sign {
        "==" => equal(),
        "!=" => !equal(),
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    })
}

fn call(name: &str, arguments: &[Value]) -> Value {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        // A job that is asked about is one whose predecessors went well.
        "success" | "always" => return Value::Bool(true),
        "failure" | "cancelled" => return Value::Bool(false),
        _ => {}
    }
    if let Some(unknown) = arguments.iter().find(|argument| matches!(argument, Value::Unknown(_))) {
        return unknown.clone();
    }
    let texts: Vec<String> = arguments.iter().filter_map(Value::text).collect();
    let lower = |at: usize| texts.get(at).map(|text| text.to_lowercase()).unwrap_or_default();
    match name.as_str() {
        "startswith" => Value::Bool(lower(0).starts_with(&lower(1))),
        "endswith" => Value::Bool(lower(0).ends_with(&lower(1))),
        "contains" => Value::Bool(lower(0).contains(&lower(1))),
        "format" => match texts.split_first() {
            Some((pattern, values)) => Value::Text(format(pattern, values)),
            None => Value::Null,
        },
        _ => Value::Unknown(format!("{name}()")),
    }
}

/// `{0}` is the first value, `{{` a brace.
fn format(pattern: &str, values: &[String]) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
        } else if let Some((number, after)) = rest.split_once('}').filter(|_| brace == "{") {
            out.push_str(number.parse::<usize>().ok().and_then(|at| values.get(at)).map_or("", String::as_str));
            rest = after;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::super::parse;
    use super::*;

    fn value(text: &str) -> Value {
        let context = |path: &[&str]| match path {
            ["github", "ref"] => Value::Text("refs/heads/main".into()),
            ["github", "event_name"] => Value::Text("push".into()),
            ["env", "EMPTY"] => Value::Null,
            path => Value::Unknown(path.join(".")),
        };
        evaluate(&parse(text).unwrap(), &context)
    }

    #[test]
    fn what_can_be_known_is_known() {
        for (text, expected) in [
            ("github.ref == 'refs/heads/main'", true),
            ("github.ref == 'refs/heads/MAIN'", true),
            ("github['ref'] != 'refs/heads/main'", false),
            ("startsWith(github.ref, 'refs/tags/') || github.event_name == 'push'", true),
            ("github.event_name != 'pull_request' && !cancelled()", true),
            ("secrets.X == 'y' && false", false),
            ("true || secrets.X", true),
            ("(secrets.X == 'a') || true", true),
            ("!env.EMPTY", true),
            ("contains('abc', 'B') && endsWith('abc', 'bc')", true),
            ("1 < 2 && 0x10 >= 16 && -1 < 0", true),
            ("'it''s' == 'it''s'", true),
            ("null == 0", true),
        ] {
            assert_eq!(value(text), Value::Bool(expected), "{text}");
        }
        assert_eq!(value("github.ref == 'refs/heads/main' && 'live' || 'test'"), Value::Text("live".into()));
        assert_eq!(value("format('{0}-{1}{{}}', 'a', github.event_name)"), Value::Text("a-push{}".into()));
    }

    #[test]
    fn what_decides_and_is_unknown_is_named() {
        for (text, name) in [
            ("secrets.AWS_ROLE_ARN", "secrets.AWS_ROLE_ARN"),
            ("vars.ROLE || 'x'", "vars.ROLE"),
            ("vars.A == github.ref", "vars.A"),
            ("github.ref == vars.B && true", "vars.B"),
            ("fromJSON('{}')", "fromjson()"),
            ("startsWith(inputs.target, 'p')", "inputs.target"),
            ("vars[inputs.name]", "inputs.name"),
            ("needs.*.result", "needs.*.result"),
        ] {
            assert_eq!(value(text), Value::Unknown(name.into()), "{text}");
        }
    }

    #[test]
    fn what_github_refuses_is_refused() {
        for text in ["", "github.", "a ==", "'open", "\"double\"", "f(a b)", "(a", "a b", "a $ b", "!", "12x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"(".repeat(5000)).is_err());
        assert!(parse(&"!".repeat(5000)).is_err());
    }
}
