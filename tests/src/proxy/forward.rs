//! The way of one call through the proxy.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use super::control;
use super::hooks::{Moment, Phase, Verdict};
use super::log::Ticket;
use super::play::Play;
use super::protocol::{Call, identify, is_account};
use super::reply::Reply;
use super::rules::Act;
use super::server::{Core, abort_name};
use crate::emulator::Kind;

/// A request with this header passes aside: not counted, not slowed, not harmed. Its tags are observed.
pub const ASIDE_HEADER: &str = "x-hatoba-aside";

const MOTO_ACCOUNT: HeaderName = HeaderName::from_static("x-moto-account-id");

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
pub(super) struct Closed;

/// What became of a call, and the name of it in the log.
struct Outcome {
    reply: Option<Reply>,
    fault: Option<&'static str>,
}

pub(super) async fn serve(core: Arc<Core>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
    let (parts, body) = request.into_parts();
    // A client that went away while it was still sending has sent nothing.
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    // A task of its own: when the client is killed, hyper drops this future, but a call that has arrived at AWS takes its
    // effect whether or not someone waits for the answer.
    let outcome = tokio::spawn(async move { handle(&core, &parts, body).await }).await;
    let reply = outcome.ok().flatten().ok_or(Closed)?;
    Ok(response(reply))
}

async fn handle(core: &Core, parts: &Parts, body: Bytes) -> Option<Reply> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if let Some(reply) = control::answer(core, &parts.method, path) {
        return Some(reply);
    }
    let mut call = identify(parts.method.as_str(), path, &parts.headers, body, core.account.as_deref());
    if parts.headers.contains_key(ASIDE_HEADER) {
        return Some(upstream(core, parts, &call).await);
    }
    let ticket: Ticket = core.log.begin();
    call.seq = ticket.seq;
    let outcome = decide(core, parts, &call).await;
    core.log.end(&ticket, &call, outcome.reply.as_ref().map(|reply| reply.status), outcome.fault);
    outcome.reply
}

async fn decide(core: &Core, parts: &Parts, call: &Call) -> Outcome {
    let abort = |phase| core.ask_hook(&Moment { k: call.seq, phase, call }) == Verdict::Abort;
    if abort(Phase::Before) {
        return Outcome { reply: None, fault: Some(abort_name(Phase::Before)) };
    }
    let decision = core.rules().decide(call);
    let delay = core.latency() + decision.delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let (own, fault) = match &decision.act {
        Some(Act::Throttle) => (Some(Reply::throttled(call)), Some("throttle")),
        Some(Act::Fail(status)) => (Some(Reply::failed(call, *status)), Some("fail")),
        Some(Act::Reply { status, body }) => (Some(Reply::new(call, *status, body.clone())), Some("reply")),
        Some(Act::Error { status, code, message }) => (Some(Reply::error(call, *status, code, message)), Some("error")),
        Some(Act::DropRequest) => return Outcome { reply: None, fault: Some("drop_request") },
        Some(Act::DropReply) => (None, Some("drop_reply")),
        Some(Act::Delay(_)) | None => (None, None),
    };
    let reply = match own {
        Some(reply) => reply,
        None => upstream(core, parts, call).await,
    };
    if abort(Phase::After) {
        return Outcome { reply: None, fault: Some(abort_name(Phase::After)) };
    }
    let reply = (decision.act != Some(Act::DropReply)).then_some(reply);
    Outcome { reply, fault }
}

/// Asks the plays and the emulator.
async fn upstream(core: &Core, parts: &Parts, call: &Call) -> Reply {
    let plays: Vec<Arc<dyn Play>> = core.plays.read().unwrap_or_else(PoisonError::into_inner).clone();
    let played = plays.iter().find_map(|play| play.before(call));
    let mut reply = match played {
        Some(reply) => reply,
        None => match ask(core, parts, call).await {
            Ok(reply) => reply,
            // No AWS error on purpose: a client must not take the harness's trouble for AWS's.
            Err(error) => Reply {
                status: 502,
                headers: HeaderMap::new(),
                body: Bytes::from(format!("the test proxy got no answer from {}: {error}", core.upstream)),
            },
        },
    };
    core.tagging.observe(call, &reply);
    if core.complete_tagging.load(Ordering::Relaxed) {
        core.tagging.complete(call, &mut reply);
    }
    for play in &plays {
        play.after(call, &mut reply);
    }
    reply
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn ask(core: &Core, parts: &Parts, call: &Call) -> Result<Reply, Failure> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(parts.method.clone()).uri(format!("{}{path}", core.upstream));
    if let Some(headers) = request.headers_mut() {
        // `Host` stays as the client wrote it, because signatures cover it.
        *headers = end_to_end(&parts.headers);
        headers.remove(ASIDE_HEADER);
        // The tagging answers are read and changed here.
        headers.remove(ACCEPT_ENCODING);
        if core.kind == Some(Kind::Moto) && is_account(&call.account) {
            headers.insert(MOTO_ACCOUNT, HeaderValue::from_str(&call.account)?);
        }
    }
    let response = core.client.request(request.body(Full::new(call.body.clone()))?).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Reply { status: head.status.as_u16(), headers: end_to_end(&head.headers), body })
}

/// Leaves out the headers that belong to one connection only.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        kept.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "upgrade", "te", "trailer", "expect"] {
        kept.remove(name);
    }
    kept
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = reply.headers;
    response
}
