//! Which service and action a request is for, in AWS's protocols.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::services::{Service, Wire, by_api, by_name};

/// One request as the proxy understands it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its place in the log, from 1; 0 for calls that pass aside.
    pub seq: u64,
    /// The service's name in the credential scope: `ecs`, `iam`, `tagging`; `http` when there is none.
    pub service: String,
    /// The action: `CreateService`; method and path for anything that is no AWS call.
    pub action: String,
    /// How the service speaks.
    pub wire: Wire,
    /// The access key, empty in unsigned requests.
    pub access_key: String,
    /// The region of the credential scope, empty in unsigned requests.
    pub region: String,
    /// The account the call is for: stated for the proxy, else the access key when that is one.
    pub account: String,
    /// The `Content-Type`, which answers repeat.
    pub content_type: String,
    /// What the SDK calls an operation with all its attempts, empty when it says nothing.
    pub invocation: String,
    /// The body as it came.
    pub body: Bytes,
}

impl Call {
    /// Returns `service:action`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.action)
    }

    /// Returns the body as JSON, null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Returns the body's form fields, empty when it is no form.
    pub fn form(&self) -> BTreeMap<String, String> {
        form(&String::from_utf8_lossy(&self.body))
    }
}

/// Finds out what a request is for. `account` is the account that the proxy stands for, if it stands for one.
pub fn identify(method: &str, path_and_query: &str, headers: &HeaderMap, body: Bytes, account: Option<&str>) -> Call {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (access_key, region, scope) = credential(text(AUTHORIZATION.as_str())).unwrap_or_default();
    let content_type = text(CONTENT_TYPE.as_str()).to_owned();
    let (known, action) = action(text("x-amz-target"), &content_type, path_and_query, &body);
    // The scope is what AWS itself goes by; target and version serve for unsigned calls.
    let service = by_name(&scope).or(known);
    let wire = match (&action, service) {
        (None, _) => Wire::Rest,
        (Some(_), Some(service)) => service.wire,
        (Some(_), None) if text("x-amz-target").is_empty() => Wire::Query,
        (Some(_), None) => Wire::Json,
    };
    let named = service.map(|s| s.name.to_owned()).unwrap_or(scope);
    let path = path_and_query.split('?').next().unwrap_or_default();
    let account = account
        .map(str::to_owned)
        .unwrap_or_else(|| if is_account(&access_key) { access_key.clone() } else { String::new() });
    Call {
        seq: 0,
        service: if named.is_empty() { "http".to_owned() } else { named },
        action: action.unwrap_or_else(|| format!("{method} {path}")),
        wire,
        access_key,
        region,
        account,
        content_type,
        invocation: text("amz-sdk-invocation-id").to_owned(),
        body,
    }
}

/// Tells whether a text is an account number.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns access key, region and service of an `Authorization` header, as SigV4 writes them:
/// `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`.
fn credential(authorization: &str) -> Option<(String, String, String)> {
    let scope = authorization.split_once("Credential=")?.1.split([',', ' ']).next()?;
    let mut parts = scope.split('/');
    let (key, _date, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some((key.to_owned(), region.to_owned(), service.to_ascii_lowercase()))
}

fn action(
    target: &str,
    content_type: &str,
    path_and_query: &str,
    body: &Bytes,
) -> (Option<&'static Service>, Option<String>) {
    if let Some((prefix, action)) = target.rsplit_once('.') {
        return (by_api(prefix), Some(action.to_owned()));
    }
    let fields = if content_type.starts_with("application/x-www-form-urlencoded") {
        form(&String::from_utf8_lossy(body))
    } else {
        form(path_and_query.split_once('?').map(|(_, query)| query).unwrap_or_default())
    };
    let service = fields.get("Version").and_then(|version| by_api(version));
    (service, fields.get("Action").cloned())
}

fn form(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(key), unescape(value))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[at], code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Call, identify};
    use crate::services::Wire;

    fn call(headers: &[(&'static str, &'static str)], path: &str, body: &'static str) -> Call {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        identify("POST", path, &map, Bytes::from_static(body.as_bytes()), None)
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn json_calls_are_known_by_target_and_scope() {
        let scope = "AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
        let found = call(
            &[("authorization", scope), ("x-amz-target", "AmazonEC2ContainerServiceV20141113.CreateCluster")],
            "/",
            r#"{"clusterName":"papyrus"}"#,
        );
        assert_eq!(found.name(), "ecs:CreateCluster");
        assert_eq!(found.wire, Wire::Json);
        assert_eq!((found.account.as_str(), found.region.as_str()), ("123456789012", "eu-west-1"));
        assert_eq!(found.json()["clusterName"], "papyrus");
    }

    #[test]
    fn query_calls_are_known_by_their_body() {
        let scope =
            "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/ec2/aws4_request,SignedHeaders=host,Signature=0";
        let found =
            call(&[("authorization", scope), FORM], "/", "Action=DeleteTags&Version=2016-11-15&Tag.1.Key=a%3Ab+c");
        assert_eq!(found.name(), "ec2:DeleteTags");
        assert_eq!(found.wire, Wire::Ec2);
        assert_eq!(found.account, "");
        assert_eq!(found.form()["Tag.1.Key"], "a:b c");
    }

    #[test]
    fn unsigned_calls_are_known_by_version() {
        let found = call(&[FORM], "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
        assert_eq!((found.name().as_str(), found.wire), ("sts:AssumeRoleWithWebIdentity", Wire::Query));
    }

    #[test]
    fn anything_else_is_shown_by_method_and_path() {
        let found = call(&[], "/v2/?x=%zz", "");
        assert_eq!((found.name().as_str(), found.wire), ("http:POST /v2/", Wire::Rest));
    }
}
