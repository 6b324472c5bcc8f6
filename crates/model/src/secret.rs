//! What looks like a secret in plain text: by the name of a value, or by a password inside of it.

use crate::check::{Check, Report};

/// Words that make a name that of a secret, wherever they stand in it.
const ANYWHERE: [&str; 6] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL", "APIKEY"];

/// Endings of names that say something about a secret and are none.
const HARMLESS: [&str; 25] = [
    "ALGORITHM",
    "ARN",
    "AUDIENCE",
    "ENABLED",
    "ENDPOINT",
    "EXPIRES",
    "EXPIRY",
    "FILE",
    "HEADER",
    "HOST",
    "ID",
    "ISSUER",
    "LENGTH",
    "MODE",
    "NAME",
    "PATH",
    "POLICY",
    "PREFIX",
    "REGION",
    "TIMEOUT",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "VERSION",
];

/// Keys that open nothing: what stands before `KEY` in their names.
const OPEN_KEYS: [&str; 17] = [
    "CACHE",
    "FOREIGN",
    "GROUP",
    "HASH",
    "IDEMPOTENCY",
    "KMS",
    "LOOKUP",
    "OBJECT",
    "PARTITION",
    "PRIMARY",
    "PUBLIC",
    "PUBLISHABLE",
    "RANGE",
    "ROUTING",
    "SITE",
    "SORT",
    "PUB",
];

/// Whether a value with this name is probably meant for nobody's eyes. Words count, not letters: `BYPASS` has no `PASS`.
pub fn looks_secret(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    if HARMLESS.contains(&last.as_str()) {
        return false;
    }
    let compact = words.concat();
    let public = before.iter().any(|word| matches!(word.as_str(), "PUBLIC" | "PUBLISHABLE"));
    if ANYWHERE.iter().any(|word| compact.contains(word)) {
        return !public;
    }
    words.iter().any(|word| {
        matches!(word.as_str(), "PASS" | "DBPASS" | "DSN")
            || word.ends_with("TOKEN")
            || (word == "PWD" && words.len() > 1)
    }) || match last.as_str() {
        "KEY" => !public && before.last().is_some_and(|word| !OPEN_KEYS.contains(&word.as_str())),
        "AUTH" => !before.is_empty(),
        _ => false,
    }
}

/// The words of a name, in capitals: `dbPassword`, `db-password` and `DB_PASSWORD` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase() || c.is_numeric();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_uppercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value can be a secret at all: no switch, no number, no address of something, nothing public.
fn telling(value: &str) -> bool {
    let switches = ["true", "false", "none", "null", "auto", "basic", "bearer", "oauth", "oauth2", "ldap", "iam"];
    let addresses = ["/", "./", "arn:", "alias/", "ssm:", "secretsmanager:"];
    let public = ["-----BEGIN PUBLIC KEY", "-----BEGIN CERTIFICATE", "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"];
    let plain_url = value.contains("://") && user_of(value).is_none();
    value.len() >= 4
        && !switches.iter().any(|switch| switch.eq_ignore_ascii_case(value))
        && !value.chars().all(|c| c.is_ascii_digit())
        && !addresses.iter().chain(&public).any(|start| value.starts_with(start))
        && !plain_url
}

/// What stands before the `@` of a URL.
fn user_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').map(|(user, _)| user)
}

/// Whether a value has a password inside: `postgres://user:password@host/db`, or `…password=…`.
pub fn holds_password(value: &str) -> bool {
    if user_of(value).and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty()) {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    ["password=", "pwd="].iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let alone = !lower[..at].ends_with(|c: char| c.is_alphanumeric());
            let rest = &lower[at + word.len()..];
            alone && rest.starts_with(|c: char| !c.is_whitespace() && !matches!(c, '&' | ';' | '"' | '\''))
        })
    })
}

/// Whether a value with this name is probably a secret.
pub fn is_one(name: &str, value: &str) -> bool {
    holds_password(value) || (looks_secret(name) && telling(value))
}

/// Warns of a value that looks like a secret. `name` is what it is called; `code` says where it stands.
pub(crate) fn check<'c>(
    cx: &'c mut Check<'_>,
    place: &[&str],
    code: &'static str,
    name: &str,
    value: &str,
) -> Option<Report<'c>> {
    let shown = crate::check::shorten(name);
    let message = if holds_password(value) {
        format!("the value of `{shown}` has a password inside, and stands here for all to read")
    } else {
        format!("`{shown}` looks like a secret, and its value stands here for all to read")
    };
    is_one(name, value).then(|| cx.warn(place, code, message))
}

/// Warns of an option of a log driver that looks like a secret.
pub(crate) fn check_option(cx: &mut Check<'_>, options: &[&str], option: &str, value: &str) {
    let place = [options, &[option]].concat();
    if let Some(mut report) = check(cx, &place, "secret-in-options", option, value) {
        report.help(format!(
            "store it with `aws ssm put-parameter --type SecureString`, and write `secret_options: {{ {option}: \"ssm:/path\" }}`"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "DB_PASSWORD",
            "DB_PASS",
            "PASS",
            "dbPassword",
            "PGPASSWORD",
            "API_KEY",
            "api-key.main",
            "apiKey",
            "STRIPE_KEY",
            "SECRET_KEY",
            "SECRET_KEY_BASE",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "NPM_AUTHTOKEN",
            "splunk-token",
            "SENTRY_DSN",
            "REDIS_AUTH",
            "DB_PWD",
            "GOOGLE_CREDENTIALS",
            "SIGNING_KEY",
            "/papyrus/db/password",
            "JWT_PRIVATE_KEY",
        ] {
            assert!(looks_secret(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_alike() {
        for name in [
            "",
            "LOG_LEVEL",
            "PASSWORD_FILE",
            "AWS_ACCESS_KEY_ID",
            "KMS_KEY_ID",
            "PUBLIC_KEY",
            "VAPID_PUBLIC_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "PARTITION_KEY",
            "KEY",
            "KEYBOARD",
            "BYPASS_CACHE",
            "COMPASS_URL",
            "AUTHOR",
            "AUTH_MODE",
            "AUTH",
            "OAUTH_CLIENT_ID",
            "PWD",
            "DATABASE_URL",
            "MAX_TOKENS",
            "TOKENIZER",
            "TOKEN_TTL",
            "SECRET_NAME",
            "JWT_ISSUER",
            "MONKEY",
            "PASSENGER_COUNT",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn passwords_inside_of_values() {
        for value in [
            "postgres://papyrus:ink@db.example:5432/papyrus",
            "redis://:ink@cache.example",
            "jdbc:postgresql://db.example/papyrus?user=p&password=ink",
            "Server=db;Pwd=ink;",
            "https://acme:p@ss@example.org/",
        ] {
            assert!(holds_password(value), "{value}");
        }
        for value in [
            "postgres://db.example/papyrus",
            "postgres://papyrus@db.example/papyrus",
            "https://example.org/a:b@c",
            "https://example.org:8080/",
            "me@example.org",
            "password=",
            "nopassword=x",
            "redis://user:@cache.example",
        ] {
            assert!(!holds_password(value), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_let_through() {
        for value in
            ["true", "3600", "/run/secrets/key", "arn:aws:ssm:x", "https://example.org/keys", "abc", "ssh-ed25519 AAAA"]
        {
            assert!(!telling(value), "{value}");
        }
        assert!(telling("ink-and-quill") && telling("https://0123@sentry.example/1"));
    }
}
