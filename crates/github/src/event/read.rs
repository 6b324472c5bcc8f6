//! From the JSON of an event to what it says.

use serde_json::Value;

use super::text::cleaned;
use crate::claims::Role;

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssumeEvent {
    /// When it happened, as CloudTrail writes it.
    pub time: Option<String>,
    /// The region of the endpoint that was asked.
    pub region: Option<String>,
    /// The ARN of the provider whose token it was.
    pub provider: Option<String>,
    /// The audience of the token.
    pub audience: Option<String>,
    /// The subject of the token.
    pub subject: Option<String>,
    /// The role that was asked for.
    pub role_arn: Option<String>,
    /// The account that the event was recorded in.
    pub account: Option<String>,
    /// The error, such as `AccessDenied`; nothing when the call succeeded.
    pub error_code: Option<String>,
    /// What the error says.
    pub error_message: Option<String>,
}

impl AssumeEvent {
    /// The role, if its ARN is one.
    pub fn role(&self) -> Option<Role> {
        self.role_arn.as_ref()?.parse().ok()
    }
}

/// Why a text is no such event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It has no event of this name in it.
    #[error("there is no AssumeRoleWithWebIdentity in it{0}")]
    Other(String),
    /// The event does not say what token it was.
    #[error("the event does not name provider, audience and subject")]
    NoPrincipal,
}

/// Reads the events of a text: one event as the console shows it, a log file (`Records`), the answer of `aws cloudtrail
/// lookup-events`, or a message of EventBridge (`detail`). Remarks and a comma behind the event do no harm.
///
/// # Errors
/// When there is no `AssumeRoleWithWebIdentity` in it that names its token.
pub fn read(text: &str) -> Result<Vec<AssumeEvent>, EventError> {
    let text = text.trim_start_matches('\u{feff}');
    let document: Value = serde_json::from_str(text.trim())
        .or_else(|_| serde_json::from_str(&cleaned(text)))
        .map_err(|error| EventError::Json(error.to_string()))?;
    let mut names = Vec::new();
    let mut found = Vec::new();
    collect(&document, 0, &mut names, &mut found);
    if found.is_empty() {
        names.sort();
        names.dedup();
        names.truncate(3);
        let others = if names.is_empty() { String::new() } else { format!(", but {}", names.join(", ")) };
        return Err(EventError::Other(others));
    }
    // Failures are what one asks about; of a log file that has only successes, these.
    let events: Vec<AssumeEvent> = found.into_iter().map(event).filter(|event| event.subject.is_some()).collect();
    if events.is_empty() {
        return Err(EventError::NoPrincipal);
    }
    let failed: Vec<AssumeEvent> = events.iter().filter(|event| event.error_code.is_some()).cloned().collect();
    Ok(if failed.is_empty() { events } else { failed })
}

fn collect(value: &Value, depth: usize, names: &mut Vec<String>, found: &mut Vec<Value>) {
    if depth > 4 {
        return;
    }
    if let Some(name) = value.get("eventName").and_then(Value::as_str) {
        if name == "AssumeRoleWithWebIdentity" {
            found.push(value.clone());
        } else {
            names.push(name.to_owned());
        }
        return;
    }
    if let Some(inner) = value.get("CloudTrailEvent").and_then(Value::as_str) {
        if let Ok(inner) = serde_json::from_str::<Value>(inner) {
            collect(&inner, depth + 1, names, found);
        }
        return;
    }
    let lists = [Some(value), value.get("Records"), value.get("Events")];
    for item in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
        collect(item, depth + 1, names, found);
    }
    if let Some(detail) = value.get("detail") {
        collect(detail, depth + 1, names, found);
    }
}

fn event(value: Value) -> AssumeEvent {
    let text = |path: &[&str]| {
        let found = path.iter().try_fold(&value, |value, key| value.get(*key))?;
        found.as_str().map(str::to_owned)
    };
    let identity = |key: &str| text(&["userIdentity", key]);
    let provider = identity("identityProvider");
    let principal = identity("principalId").unwrap_or_default();
    let (from_principal, audience, subject) = parts(&principal, provider.as_deref());
    let resource = value.get("resources").and_then(Value::as_array).and_then(|all| all.first());
    let of_resource = |key: &str| resource.and_then(|resource| resource.get(key)?.as_str()).map(str::to_owned);
    AssumeEvent {
        time: text(&["eventTime"]),
        region: text(&["awsRegion"]),
        provider: provider.or(from_principal),
        audience,
        subject: subject.or_else(|| identity("userName")),
        role_arn: text(&["requestParameters", "roleArn"]).or_else(|| of_resource("ARN")),
        account: text(&["recipientAccountId"]).or_else(|| of_resource("accountId")),
        error_code: text(&["errorCode"]),
        error_message: text(&["errorMessage"]),
    }
}

/// `PROVIDER:AUDIENCE:SUBJECT`, where all three have colons.
fn parts(principal: &str, provider: Option<&str>) -> (Option<String>, Option<String>, Option<String>) {
    let rest = provider.and_then(|provider| principal.strip_prefix(provider)?.strip_prefix(':'));
    let (provider, rest) = match rest {
        Some(rest) => (provider.map(str::to_owned), rest),
        None => {
            let Some(at) = principal.find("oidc-provider/") else { return (None, None, None) };
            let Some(colon) = principal[at..].find(':') else { return (None, None, None) };
            (Some(principal[..at + colon].to_owned()), &principal[at + colon + 1..])
        }
    };
    // The subject of GitHub begins with `repo:` unless it was customised; an audience that is an address has a colon, too.
    let split = rest.find(":repo:").or_else(|| {
        let from = rest.find("://").map_or(0, |at| at + 3);
        rest[from..].find(':').map(|at| from + at)
    });
    match split {
        Some(at) => (provider, Some(rest[..at].to_owned()), Some(rest[at + 1..].to_owned())),
        None => (provider, Some(rest.to_owned()), None),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use serde_json::json;

    use super::*;

    const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

    fn raw(audience: &str, subject: &str) -> Value {
        json!({
            "userIdentity": {
                "type": "WebIdentityUser",
                "principalId": format!("{PROVIDER}:{audience}:{subject}"),
                "userName": subject,
                "identityProvider": PROVIDER
            },
            "eventTime": "2026-03-17T11:33:52Z",
            "eventName": "AssumeRoleWithWebIdentity",
            "awsRegion": "us-west-2",
            "errorCode": "AccessDenied",
            "errorMessage": "An unknown error occurred",
            "requestParameters": { "roleArn": "arn:aws:iam::123456789012:role/papyrus-deploy" },
            "recipientAccountId": "123456789012"
        })
    }

    #[test]
    fn in_every_wrapping() {
        let event = raw("sts.amazonaws.com", "repo:acme/papyrus:ref:refs/heads/main");
        let other = json!({ "eventName": "GetCallerIdentity" });
        let pasted = format!("{event:#},\n").replace("\"AccessDenied\",", "\"AccessDenied\",      <-- エラー箇所");
        for text in [
            event.to_string(),
            pasted,
            json!({ "Records": [other, event] }).to_string(),
            json!({ "Events": [{ "CloudTrailEvent": event.to_string() }] }).to_string(),
            json!([{ "detail": event }]).to_string(),
        ] {
            let found = read(&text).unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].provider.as_deref(), Some(PROVIDER));
            assert_eq!(found[0].audience.as_deref(), Some("sts.amazonaws.com"));
            assert_eq!(found[0].subject.as_deref(), Some("repo:acme/papyrus:ref:refs/heads/main"));
            assert_eq!(found[0].error_code.as_deref(), Some("AccessDenied"));
            assert_eq!(found[0].role().unwrap().name, "papyrus-deploy");
        }
    }

    #[test]
    fn audiences_and_subjects_with_colons() {
        for (audience, subject) in [
            ("https://github.com/acme", "repo:acme@1/papyrus@2:environment:production"),
            ("https://github.com:443/acme", "repo:acme/papyrus:pull_request"),
            ("sts.amazonaws.com", "repository_owner:acme:ref:refs/heads/main"),
        ] {
            for with_provider in [true, false] {
                let mut event = raw(audience, subject);
                if !with_provider {
                    event["userIdentity"].as_object_mut().unwrap().remove("identityProvider");
                }
                let found = &read(&event.to_string()).unwrap()[0];
                assert_eq!((found.audience.as_deref(), found.subject.as_deref()), (Some(audience), Some(subject)));
            }
        }
    }

    #[test]
    fn failures_come_before_successes_and_other_texts_are_refused() {
        let failed = raw("a", "repo:acme/papyrus:pull_request");
        let mut good = failed.clone();
        good.as_object_mut().unwrap().remove("errorCode");
        assert_eq!(read(&json!([good, failed]).to_string()).unwrap().len(), 1);
        assert_eq!(read(&json!([good]).to_string()).unwrap()[0].error_code, None);
        assert!(matches!(read("hello"), Err(EventError::Json(_))));
        let other = json!({ "eventName": "CreateRole" }).to_string();
        assert_eq!(
            read(&other).unwrap_err().to_string(),
            "there is no AssumeRoleWithWebIdentity in it, but CreateRole"
        );
        assert_eq!(read("{\"eventName\": \"AssumeRoleWithWebIdentity\"}"), Err(EventError::NoPrincipal));
    }
}
