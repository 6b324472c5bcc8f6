//! A plain AWS client for tests: the other hand that changes things behind hatoba's back, and the witness that looks.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::error::{HarnessError, Result};
use crate::proxy::ASIDE_HEADER;
use crate::runtime;
use crate::services::{Service, Wire, by_name};
use crate::signature::{self, Secret};

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Content-Type`, empty when there is none.
    pub content_type: String,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Passes a 2xx answer on and makes an error of every other.
    ///
    /// # Errors
    /// With status and body, when the status is not 2xx.
    pub fn ok(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(HarnessError::new(format!("the answer was {}: {}", self.status, self.body)))
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body)
            .map_err(|e| HarnessError::caused(format!("the answer is not JSON: {}", self.body), e))
    }

    /// Returns the text of each XML element of this name, entities decoded, in order.
    pub fn elements(&self, name: &str) -> Vec<String> {
        elements(&self.body, name)
    }
}

/// Returns the text of each XML element of this name, entities decoded, in order. Elements with attributes are not found.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once(close.as_str()))
        .map(|(text, _)| {
            // The ampersand last, or `&amp;lt;` would be decoded twice.
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#34;", "\"")
                .replace("&apos;", "'")
                .replace("&#39;", "'")
                .replace("&amp;", "&")
        })
        .collect()
}

/// Calls AWS actions, with an administrator's key unless [`Client::signed`]. An administrator's requests carry a credential scope but
/// no valid signature: the emulators check none.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: String,
    access_key: String,
    region: String,
    aside: bool,
    secret: Option<Secret>,
}

impl Client {
    /// Makes a client for an address, an access key and a region.
    pub fn new(endpoint: impl Into<String>, access_key: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            access_key: access_key.into(),
            region: region.into(),
            aside: false,
            secret: None,
        }
    }

    /// Signs the calls, as the key of a user or session needs. `token` comes with the key of a session.
    #[must_use]
    pub fn signed(mut self, secret: impl Into<String>, token: Option<String>) -> Self {
        self.secret = Some(Secret { secret: secret.into(), token });
        self
    }

    /// Lets the calls pass a proxy uncounted, unslowed and unharmed; they still feed its index of tags.
    #[must_use]
    pub fn aside(mut self) -> Self {
        self.aside = true;
        self
    }

    /// Calls one action. `service` is a name of [`crate::services::SERVICES`]. For JSON services `parameters` is the body. For
    /// the query protocols an object is flattened as the wire wants it: `{"Tags": [{"Key": "a"}]}` is `Tags.member.1.Key=a`
    /// for IAM and STS, and `Tags.1.Key=a` for EC2 (whose wire names of lists are singular: `Tag`, `GroupId`).
    ///
    /// # Errors
    /// When the service is unknown or no answer came. An AWS error is an [`Answer`], see [`Answer::ok`].
    pub fn call(&self, service: &str, action: &str, parameters: &Value) -> Result<Answer> {
        let service = by_name(service).ok_or_else(|| HarnessError::new(format!("no service is called {service}")))?;
        let mut headers = Vec::new();
        let body = encode(service, action, parameters, &mut headers);
        if let Some(secret) = &self.secret {
            let host = self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host);
            signature::add(&mut headers, &self.access_key, secret, (&self.region, service.name), host, &body)?;
        } else {
            headers.push((
                "authorization".to_owned(),
                format!(
                    "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{}/aws4_request, SignedHeaders=host, Signature=0",
                    self.access_key, self.region, service.name
                ),
            ));
        }
        if self.aside {
            headers.push((ASIDE_HEADER.to_owned(), "1".to_owned()));
        }
        send("POST", &format!("{}/", self.endpoint), headers, body)
    }
}

fn encode(service: &Service, action: &str, parameters: &Value, headers: &mut Vec<(String, String)>) -> String {
    if service.wire == Wire::Json {
        headers.push(("x-amz-target".to_owned(), format!("{}.{action}", service.api)));
        headers.push(("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()));
        return parameters.to_string();
    }
    headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    let mut fields = BTreeMap::new();
    fields.insert("Action".to_owned(), action.to_owned());
    fields.insert("Version".to_owned(), service.api.to_owned());
    flatten("", parameters, service.wire, &mut fields);
    let pairs: Vec<String> = fields.iter().map(|(k, v)| format!("{}={}", escape(k), escape(v))).collect();
    pairs.join("&")
}

fn flatten(path: &str, value: &Value, wire: Wire, out: &mut BTreeMap<String, String>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&join(key), value, wire, out)),
        Value::Array(items) => items.iter().zip(1..).for_each(|(item, n)| {
            let key = if wire == Wire::Ec2 { n.to_string() } else { format!("member.{n}") };
            flatten(&join(&key), item, wire, out);
        }),
        Value::String(text) => drop(out.insert(path.to_owned(), text.clone())),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => drop(out.insert(path.to_owned(), value.to_string())),
    }
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Sends a request without a body and without credentials.
///
/// # Errors
/// When no answer came.
pub fn plain(method: &str, url: &str) -> Result<Answer> {
    send(method, url, Vec::new(), String::new())
}

fn send(method: &str, url: &str, headers: Vec<(String, String)>, body: String) -> Result<Answer> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|e| HarnessError::caused("no such method", e))?;
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|e| HarnessError::caused(format!("no request can be made for {url}"), e))?;
    let failed = format!("no answer from {url}");
    let answer = runtime::wait(async move { tokio::time::timeout(LIMIT, exchange(request)).await })?;
    answer.map_err(|e| HarnessError::caused(failed.clone(), e))?.map_err(|e| HarnessError::caused(failed, e))
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(request: Request<Full<Bytes>>) -> std::result::Result<Answer, Failure> {
    // A connection for each call: a pooled one that the server closes meanwhile would make tests fail by chance.
    let response = HyperClient::builder(TokioExecutor::new()).build_http().request(request).await?;
    let status = response.status().as_u16();
    let content_type =
        response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, content_type, body: String::from_utf8_lossy(&body).into_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{elements, encode};
    use crate::services::{SERVICES, Service};

    fn form(service: &str, parameters: &serde_json::Value) -> String {
        let found: Vec<&Service> = SERVICES.iter().filter(|s| s.name == service).collect();
        encode(found[0], "Do", parameters, &mut Vec::new())
    }

    #[test]
    fn lists_are_flattened_as_each_protocol_wants() {
        let tags = json!({ "Tag": [{ "Key": "a b", "Value": 1 }] });
        assert_eq!(form("iam", &tags), "Action=Do&Tag.member.1.Key=a%20b&Tag.member.1.Value=1&Version=2010-05-08");
        assert_eq!(form("ec2", &tags), "Action=Do&Tag.1.Key=a%20b&Tag.1.Value=1&Version=2016-11-15");
    }

    #[test]
    fn elements_are_decoded_once() {
        assert_eq!(elements("<a><b>1 &amp;lt; 2</b><b/><b>&quot;</b></a>", "b"), ["1 &lt; 2", "\""]);
    }
}
