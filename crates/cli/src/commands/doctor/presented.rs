//! A token or an event that somebody has at hand.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hatoba_github::claims::{COMPARED, Presented};
use hatoba_github::event::{self, AssumeEvent};
use hatoba_github::explain::Subject;
use hatoba_github::token;
use hatoba_model::github::{PROVIDER_HOST, SubjectFormat};

use crate::error::{Error, Kind};
use crate::session::bytes;

/// The largest text that is read, in bytes: a log file of CloudTrail may be long.
const MAX_INPUT: u64 = 32 << 20;

/// What somebody brought.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// `token` or `event`.
    pub(crate) sort: &'static str,
    /// What it says, in the order in which it is shown.
    pub(crate) rows: Vec<(String, String)>,
    /// What has to be said about it.
    pub(crate) notes: Vec<String>,
    /// Why it would be refused whatever the role says.
    pub(crate) problems: Vec<String>,
    /// The claims.
    pub(crate) presented: Presented,
    /// The ARN of the role that was asked for.
    pub(crate) role_arn: Option<String>,
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read, is too long, or is no text.
pub(crate) fn input(path: &Path) -> Result<String, Error> {
    let name = path.display();
    let failed = |error: std::io::Error| Error::new(Kind::Failed, format!("cannot read {name}: {error}"));
    let bytes = if path == Path::new("-") {
        let mut all = Vec::new();
        std::io::stdin().lock().take(MAX_INPUT).read_to_end(&mut all).map_err(failed)?;
        all
    } else {
        bytes(path).map_err(failed)?
    };
    String::from_utf8(bytes).map_err(|_| Error::new(Kind::Failed, format!("{name} is not UTF-8 text")))
}

/// Reads a token.
///
/// # Errors
/// When it is none. No part of it is shown.
pub(crate) fn of_token(text: &str) -> Result<Shown, Error> {
    let token = token::read(text).map_err(|error| {
        Error::new(Kind::Failed, format!("this is no token: {error}"))
            .help("give the text that `core.getIDToken('sts.amazonaws.com')` returns in a step of the job")
    })?;
    let mut rows: Vec<(String, String)> = Vec::new();
    let first = [
        "sub",
        "aud",
        "iss",
        "environment",
        "ref",
        "job_workflow_ref",
        "repository",
        "repository_id",
        "repository_owner_id",
    ];
    let row = |name: &str| token.claims.get(name).map(|value| (name.to_owned(), value.clone()));
    rows.extend(first.iter().filter_map(|name| row(name)));
    rows.extend(["workflow", "event_name", "actor", "run_id"].iter().filter_map(|name| row(name)));
    let mut notes = vec!["The signature was neither checked nor shown, and nothing of the token was kept.".to_owned()];
    let mut problems = Vec::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    match token.expires {
        Some(expires) if expires <= now => notes.push(format!(
            "It expired {} ago, as tokens do after some minutes; that alone would be refused with ExpiredTokenException.",
            time(now - expires)
        )),
        Some(expires) => rows.push(("expires".to_owned(), format!("in {}", time(expires - now)))),
        None => {}
    }
    let issuer = token.claims.get("iss").cloned().unwrap_or_default();
    if issuer.strip_prefix("https://").is_none_or(|host| !host.starts_with(PROVIDER_HOST)) {
        notes.push(format!(
            "It was not issued by GitHub's own service but by {}.",
            if issuer.is_empty() { "nobody" } else { &issuer }
        ));
    }
    if !token.claims.contains_key("sub") {
        problems.push("The token has no subject.".to_owned());
    }
    let mut claims = token.claims.clone();
    if let Some(audience) = token.audiences.first() {
        claims.insert("aud".to_owned(), audience.clone());
    }
    let presented = Presented { format: format_of(claims.get("sub")), claims, unknown: BTreeMap::new() };
    Ok(Shown { sort: "token", rows, notes, problems, presented, role_arn: None })
}

fn format_of(subject: Option<&String>) -> SubjectFormat {
    let immutable = subject.and_then(|text| Subject::parse(text)).is_some_and(|subject| subject.is_immutable());
    if immutable { SubjectFormat::Immutable } else { SubjectFormat::Classic }
}

/// Reads the events of a text; the last one is what is asked about.
///
/// # Errors
/// When there is none in it.
pub(crate) fn of_event(text: &str) -> Result<Shown, Error> {
    let events = event::read(text).map_err(|error| {
        Error::new(Kind::Failed, format!("this is no event of CloudTrail: {error}")).help(
            "`aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRoleWithWebIdentity` shows the last ones, in the region whose endpoint was asked",
        )
    })?;
    let count = events.len();
    let Some(event) = events.into_iter().max_by(|a, b| a.time.cmp(&b.time)) else {
        return Err(Error::new(Kind::Failed, "there is no event in it"));
    };
    let mut shown = from_event(&event);
    if count > 1 {
        shown.notes.push(format!("This is the latest of {count} events."));
    }
    Ok(shown)
}

fn from_event(event: &AssumeEvent) -> Shown {
    let error = event.error_code.as_ref().map(|code| match &event.error_message {
        Some(message) => format!("{code}: {message}"),
        None => code.clone(),
    });
    let rows = [
        ("sub", &event.subject),
        ("aud", &event.audience),
        ("provider", &event.provider),
        ("role", &event.role_arn),
        ("account", &event.account),
        ("region", &event.region),
        ("time", &event.time),
        ("error", &error),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
    let mut problems = Vec::new();
    let account = |arn: &Option<String>| arn.as_ref().and_then(|arn| arn.split(':').nth(4).map(str::to_owned));
    if let (Some(provider), Some(role)) = (account(&event.provider), account(&event.role_arn))
        && provider != role
    {
        problems.push(format!("The provider is in the account {provider}, the role in {role}: a role can only trust a provider of its own account."));
    }
    let mut notes = Vec::new();
    if event.error_code.is_none() {
        notes.push("The event is of a call that succeeded.".to_owned());
    }
    if event.error_code.as_deref() == Some("InvalidIdentityToken") {
        problems.push("InvalidIdentityToken: the account has no provider for GitHub, or the provider does not accept this audience. `hatoba doctor` looks.".to_owned());
    }
    let mut claims = BTreeMap::new();
    let host = event
        .provider
        .as_ref()
        .and_then(|arn| arn.split_once("oidc-provider/"))
        .map_or(PROVIDER_HOST, |(_, host)| host);
    claims.insert("iss".to_owned(), format!("https://{host}"));
    for (name, value) in [("sub", &event.subject), ("aud", &event.audience)] {
        claims.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    let unknown = COMPARED.iter().map(|claim| ((*claim).to_owned(), "the event does not show it".to_owned())).collect();
    let presented = Presented { format: format_of(event.subject.as_ref()), claims, unknown };
    Shown { sort: "event", rows, notes, problems, presented, role_arn: event.role_arn.clone() }
}

/// `3 h 12 min`, `12 min`, `40 s`, `5 days`.
pub(crate) fn time(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
