//! Answers: those of the emulator, and those that the proxy makes itself in the shape that AWS gives them.

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::protocol::Call;
use crate::services::Wire;

const REQUEST_ID: &str = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73";

/// An answer on its way to the client.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without those that belong to the connection.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Makes an answer with the content type of the call's protocol.
    pub fn new(call: &Call, status: u16, body: impl Into<Bytes>) -> Self {
        let content_type = match call.wire {
            // JSON 1.0 is answered with 1.0 and 1.1 with 1.1.
            Wire::Json => HeaderValue::from_str(&call.content_type)
                .unwrap_or_else(|_| HeaderValue::from_static("application/x-amz-json-1.1")),
            Wire::Query | Wire::Ec2 => HeaderValue::from_static("text/xml"),
            Wire::Rest => HeaderValue::from_static("application/json"),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(HeaderName::from_static("x-amzn-requestid"), HeaderValue::from_static(REQUEST_ID));
        Self { status, headers, body: body.into() }
    }

    /// Makes an error in the shape of the call's protocol. `code` is AWS's error code, such as `ClusterNotFoundException`.
    pub fn error(call: &Call, status: u16, code: &str, message: &str) -> Self {
        let (code_xml, message_xml) = (xml(code), xml(message));
        let fault = if status < 500 { "Sender" } else { "Receiver" };
        let body = match call.wire {
            Wire::Json => json!({ "__type": code, "message": message }).to_string(),
            Wire::Rest => json!({ "code": code, "message": message }).to_string(),
            Wire::Query => format!(
                "<ErrorResponse><Error><Type>{fault}</Type><Code>{code_xml}</Code><Message>{message_xml}</Message></Error>\
                 <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
            Wire::Ec2 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code_xml}</Code>\
                 <Message>{message_xml}</Message></Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
        };
        Self::new(call, status, body)
    }

    /// Makes the answer to a caller that is too fast, as each protocol words it.
    pub fn throttled(call: &Call) -> Self {
        match call.wire {
            Wire::Json | Wire::Rest => Self::error(call, 400, "ThrottlingException", "Rate exceeded"),
            Wire::Query => Self::error(call, 400, "Throttling", "Rate exceeded"),
            Wire::Ec2 => Self::error(call, 503, "RequestLimitExceeded", "Request limit exceeded."),
        }
    }

    /// Makes a failure of the service itself, with a status from 500 on.
    pub fn failed(call: &Call, status: u16) -> Self {
        let (code, message) = match (call.wire, status) {
            (Wire::Ec2, 503) => ("Unavailable", "The server is overloaded and can't handle the request."),
            (_, 503) => ("ServiceUnavailable", "Service is unable to handle request."),
            (Wire::Ec2, _) => ("InternalError", "An internal error has occurred."),
            _ => ("InternalFailure", "The request processing has failed because of an unknown error."),
        };
        Self::error(call, status, code, message)
    }

    /// Tells whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the body as JSON, null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
