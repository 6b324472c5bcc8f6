//! The proxy's own addresses, for scripts that run it as a program (demo, bench).
//!
//! | request | does |
//! |---|---|
//! | `GET /_hatoba_proxy/summary` | `{"calls": N, "depth": N, "counts": {"ecs:CreateService": N}}` |
//! | `GET /_hatoba_proxy/calls` | every call, as in the log |
//! | `POST /_hatoba_proxy/clear` | empties the log |
//! | `POST /_hatoba_proxy/latency/MS` | adds so many milliseconds to every call from now on |

use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::log::{CallRecord, counts, depth};
use super::reply::Reply;
use super::server::Core;

const PREFIX: &str = "/_hatoba_proxy/";

/// Answers a request to the proxy itself; none when it is not for the proxy.
pub(super) fn answer(core: &Core, method: &Method, path: &str) -> Option<Reply> {
    let command = path.strip_prefix(PREFIX)?;
    let calls = core.log.calls();
    let body = match (method, command) {
        (&Method::GET, "summary") => {
            Some(json!({ "calls": calls.len(), "depth": depth(&calls), "counts": counts(&calls) }))
        }
        (&Method::GET, "calls") => Some(calls.iter().map(CallRecord::to_json).collect::<Value>()),
        (&Method::POST, "clear") => {
            core.log.clear();
            Some(json!({}))
        }
        (&Method::POST, _) => command.strip_prefix("latency/").and_then(|ms| ms.parse().ok()).map(|ms| {
            core.set_latency(Duration::from_millis(ms));
            json!({})
        }),
        _ => None,
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(Reply {
        status: if body.is_some() { 200 } else { 404 },
        headers,
        body: Bytes::from(body.unwrap_or_else(|| json!({ "error": "no such command" })).to_string()),
    })
}
