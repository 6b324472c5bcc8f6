//! Two ways to name the same parameter: by its ARN, or by its name alone. Pure.
//!
//! ECS takes a name for a parameter of the Parameter Store in the task's own account and region; secrets of the Secrets Manager are always
//! named by an ARN (ECS API reference, `Secret`). With or without the six characters at its end, an ARN of those is left as it is: names of
//! secrets may end like that, too.

use std::borrow::Cow;

use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;

/// Where a container has secrets: as variables, and as options of its log driver.
const PLACES: [&[&str]; 2] = [&["secrets"], &["logs", "secret_options"]];

/// The ARN that a `valueFrom` means.
///
/// The names `db-url` and `/db-url` are two parameters and have one ARN: a name with only a slash in front is left as it is.
pub(super) fn canonical<'f>(from: &'f str, facts: &Facts) -> Cow<'f, str> {
    let plain = match from.strip_prefix('/') {
        Some(path) if path.contains('/') => path,
        None if !from.contains('/') && !from.starts_with("arn:") && !from.is_empty() => from,
        Some(_) | None => return Cow::Borrowed(from),
    };
    Cow::Owned(facts.arn("ssm", format_args!("parameter/{plain}")))
}

/// Where a secret that is there means the one that is wanted, it gets the words of the wish: it is no difference.
pub(super) fn say_as_wanted(fields: &mut Fields, want: &Fields, facts: &Facts) {
    let Some(wanted) = want.get("containers") else { return };
    let Some(Value::Map(containers)) = fields.get_mut("containers") else { return };
    for (name, container) in containers {
        for place in PLACES {
            let wanted = place.iter().try_fold(wanted.get(name), |at, step| Some(at?.get(step))).flatten();
            let there = place.iter().try_fold(&mut *container, |at, step| match at {
                Value::Map(parts) => parts.get_mut(*step),
                _ => None,
            });
            let (Some(wanted), Some(Value::Map(there))) = (wanted, there) else { continue };
            for (variable, from) in there {
                let (Some(wish), Some(is)) = (wanted.get(variable).and_then(Value::as_text), from.as_text()) else {
                    continue;
                };
                if wish != is && canonical(wish, facts) == canonical(is, facts) {
                    *from = wish.into();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    const ARN: &str = "arn:aws:ssm:us-west-2:123456789012:parameter";
    const SECRET: &str = "arn:aws:secretsmanager:us-west-2:123456789012:secret:papyrus/db";

    fn facts() -> Facts {
        Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    #[test]
    fn a_name_means_a_parameter_of_this_account_and_region() {
        for (one, other, same) in [
            ("/papyrus/db-url".to_owned(), format!("{ARN}/papyrus/db-url"), true),
            ("db-url".to_owned(), format!("{ARN}/db-url"), true),
            ("db-url:3".to_owned(), format!("{ARN}/db-url:3"), true),
            ("db-url".to_owned(), "db-url".to_owned(), true),
            // One of two parameters.
            ("/db-url".to_owned(), format!("{ARN}/db-url"), false),
            ("db-url".to_owned(), "/db-url".to_owned(), false),
            // No name of a parameter.
            ("papyrus/db-url".to_owned(), format!("{ARN}/papyrus/db-url"), false),
            (String::new(), format!("{ARN}/"), false),
            ("db-url".to_owned(), format!("{ARN}/db-url").replace("us-west-2", "us-east-1"), false),
            ("db-url".to_owned(), format!("{ARN}/db-url").replace("123456789012", "210987654321"), false),
            // The Secrets Manager has no bare names.
            (SECRET.to_owned(), format!("{SECRET}-AbCdEf"), false),
            (SECRET.to_owned(), format!("{SECRET}:password::"), false),
            ("papyrus".to_owned(), SECRET.to_owned(), false),
        ] {
            assert_eq!(canonical(&one, &facts()) == canonical(&other, &facts()), same, "{one} {other}");
        }
    }

    fn fields(secrets: &[(&str, &str)]) -> Fields {
        let texts = || Value::texts(secrets.iter().copied());
        let app = Value::map([("secrets", texts()), ("logs", Value::map([("secret_options", texts())]))]);
        [("containers".to_owned(), Value::map([("app", app)]))].into()
    }

    #[test]
    fn what_means_the_same_is_said_as_it_is_wanted() {
        let arn = format!("{ARN}/papyrus/db-url");
        let want = fields(&[("DB_URL", &arn), ("KEY", "key"), ("OTHER", "/papyrus/other")]);
        let mut there = fields(&[("DB_URL", "/papyrus/db-url"), ("KEY", "/key"), ("OTHER", &arn), ("MORE", "more")]);
        say_as_wanted(&mut there, &want, &facts());
        assert_eq!(there, fields(&[("DB_URL", &arn), ("KEY", "/key"), ("OTHER", &arn), ("MORE", "more")]));
        // The other way round: the file's words, whatever they are.
        let mut there = fields(&[("DB_URL", &arn)]);
        let want = fields(&[("DB_URL", "/papyrus/db-url")]);
        say_as_wanted(&mut there, &want, &facts());
        assert_eq!(there, want);
    }
}
