//! A tagging API that knows all kinds. AWS's `GetResources` finds every kind that can be tagged; each emulator's finds some.
//! The proxy remembers the tags that it saw, adds what the emulator's answer lacks and takes out what was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::observe::{Change, Tags, changes};
use super::protocol::Call;
use super::reply::Reply;

/// The tags that passed the proxy, by ARN, which names account and region.
#[derive(Debug, Default)]
pub struct Tagging {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// None: it was deleted.
    resources: BTreeMap<String, Option<Tags>>,
    /// What earlier pages of a query have shown, by query.
    shown: BTreeMap<String, BTreeSet<String>>,
}

impl Tagging {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from a call and its answer.
    pub fn observe(&self, call: &Call, reply: &Reply) {
        let changes = changes(call, reply);
        if changes.is_empty() {
            return;
        }
        let mut state = self.state();
        for change in changes {
            apply(&mut state.resources, change);
        }
    }

    /// Completes the emulator's answer to `GetResources`; leaves every other answer alone.
    pub fn complete(&self, call: &Call, reply: &mut Reply) {
        if call.name() != "tagging:GetResources" || !reply.is_success() {
            return;
        }
        let (request, mut answer) = (call.json(), reply.json());
        let Some(list) = answer["ResourceTagMappingList"].as_array().cloned() else { return };
        let mut state = self.state();
        let deleted = |arn: &str| matches!(state.resources.get(arn), Some(None));
        let mut list: Vec<Value> =
            list.into_iter().filter(|item| !item["ResourceARN"].as_str().is_some_and(deleted)).collect();

        let query = format!(
            "{} {} {} {} {}",
            call.account,
            call.region,
            request["TagFilters"],
            request["ResourceTypeFilters"],
            request["ResourceARNList"]
        );
        let first_page = request["PaginationToken"].as_str().unwrap_or_default().is_empty();
        let last_page = answer["PaginationToken"].as_str().unwrap_or_default().is_empty();
        let mut shown = state.shown.remove(&query).filter(|_| !first_page).unwrap_or_default();
        shown.extend(list.iter().filter_map(|item| item["ResourceARN"].as_str().map(str::to_owned)));
        if last_page {
            for (arn, tags) in &state.resources {
                let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) else { continue };
                if !shown.contains(arn) && in_scope(arn, call) && wanted(arn, tags, &request) {
                    let tags: Vec<Value> = tags.iter().map(|(k, v)| json!({ "Key": k, "Value": v })).collect();
                    list.push(json!({ "ResourceARN": arn, "Tags": tags }));
                }
            }
        } else {
            state.shown.insert(query, shown);
        }
        answer["ResourceTagMappingList"] = Value::Array(list);
        reply.body = Bytes::from(answer.to_string());
    }
}

fn apply(resources: &mut BTreeMap<String, Option<Tags>>, change: Change) {
    match change {
        Change::Created(arn, tags) => {
            let entry = resources.entry(arn).or_default();
            if entry.is_none() {
                *entry = Some(tags);
            }
        }
        // Also for resources that were made before the proxy was there.
        Change::Tagged(arn, tags) => resources.entry(arn).or_default().get_or_insert_default().extend(tags),
        Change::Untagged(arn, keys) => {
            if let Some(Some(tags)) = resources.get_mut(&arn) {
                for (key, value) in keys {
                    if value.is_none_or(|value| tags.get(&key) == Some(&value)) {
                        tags.remove(&key);
                    }
                }
            }
        }
        Change::Cleared(arn) => {
            if let Some(Some(tags)) = resources.get_mut(&arn) {
                tags.clear();
            }
        }
        Change::Deleted(arn) => drop(resources.insert(arn, None)),
    }
}

/// Tells whether an ARN is in the account and region that the caller asks in.
fn in_scope(arn: &str, call: &Call) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let same =
        |at: usize, own: &str| own.is_empty() || parts.get(at).is_some_and(|part| part.is_empty() || *part == own);
    same(3, &call.region) && same(4, &call.account)
}

/// Tells whether a resource passes the filters of a request: every tag filter (any of its values), any type filter, and the
/// list of ARNs if there is one.
fn wanted(arn: &str, tags: &Tags, request: &Value) -> bool {
    let list = |name: &str| request[name].as_array().cloned().unwrap_or_default();
    let tagged = list("TagFilters").iter().all(|filter| {
        let value = filter["Key"].as_str().and_then(|key| tags.get(key));
        let values = filter["Values"].as_array().cloned().unwrap_or_default();
        value.is_some_and(|value| values.is_empty() || values.iter().any(|wanted| wanted == value))
    });
    let types = list("ResourceTypeFilters");
    let typed = types.is_empty() || types.iter().filter_map(Value::as_str).any(|filter| is_type(arn, filter));
    let arns = list("ResourceARNList");
    tagged && typed && (arns.is_empty() || arns.iter().any(|wanted| wanted == arn))
}

/// Tells whether an ARN is of a type: `ecs`, or `ecs:service`.
fn is_type(arn: &str, filter: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next().unwrap_or_default();
    let resource = parts.nth(2).unwrap_or_default();
    let kind = resource.split(['/', ':']).next().unwrap_or_default();
    match filter.split_once(':') {
        Some((wanted, wanted_kind)) => service == wanted && kind == wanted_kind,
        None => service == filter,
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::{Value, json};

    use super::super::protocol::{Call, identify};
    use super::super::reply::Reply;
    use super::{Tagging, is_type};

    const LOG_GROUP: &str = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus";

    fn call(target: &'static str, scope: &str, body: &Value) -> Call {
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-2/{scope}/aws4_request, x");
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(target));
        if let Ok(value) = HeaderValue::from_str(&authorization) {
            headers.insert(HeaderName::from_static("authorization"), value);
        }
        identify("POST", "/", &headers, Bytes::from(body.to_string()), None)
    }

    fn pass(tagging: &Tagging, target: &'static str, scope: &str, body: &Value, answer: &Value) -> Value {
        let call = call(target, scope, body);
        let mut reply = Reply::new(&call, 200, answer.to_string());
        tagging.observe(&call, &reply);
        tagging.complete(&call, &mut reply);
        reply.json()
    }

    fn find(tagging: &Tagging, request: &Value, answer: &Value) -> Vec<String> {
        let found = pass(tagging, "ResourceGroupsTaggingAPI_20170126.GetResources", "tagging", request, answer);
        found["ResourceTagMappingList"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| item["ResourceARN"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    fn with_log_group() -> Tagging {
        let tagging = Tagging::default();
        let request = json!({ "logGroupName": "/ecs/papyrus", "tags": { "hatoba:stack": "papyrus" } });
        pass(&tagging, "Logs_20140328.CreateLogGroup", "logs", &request, &json!({}));
        tagging
    }

    #[test]
    fn what_the_emulator_lacks_is_added_under_the_filters() {
        let tagging = with_log_group();
        let empty = json!({ "ResourceTagMappingList": [] });
        let filter = |value: &str| json!({ "TagFilters": [{ "Key": "hatoba:stack", "Values": [value] }] });
        assert_eq!(find(&tagging, &filter("papyrus"), &empty), [LOG_GROUP]);
        assert!(find(&tagging, &filter("other"), &empty).is_empty());
        assert!(find(&tagging, &json!({ "ResourceTypeFilters": ["ecs", "logs:stream"] }), &empty).is_empty());
        assert_eq!(find(&tagging, &json!({ "ResourceTypeFilters": ["logs:log-group"] }), &empty), [LOG_GROUP]);
    }

    #[test]
    fn what_was_deleted_is_taken_out_and_may_come_back() {
        let tagging = with_log_group();
        let stale = json!({ "ResourceTagMappingList": [{ "ResourceARN": LOG_GROUP, "Tags": [] }] });
        let name = json!({ "logGroupName": "/ecs/papyrus" });
        pass(&tagging, "Logs_20140328.DeleteLogGroup", "logs", &name, &json!({}));
        assert!(find(&tagging, &json!({}), &stale).is_empty());
        pass(&tagging, "Logs_20140328.CreateLogGroup", "logs", &name, &json!({}));
        assert_eq!(find(&tagging, &json!({}), &stale), [LOG_GROUP]);
    }

    #[test]
    fn only_the_last_page_is_completed_and_nothing_is_shown_twice() {
        let tagging = with_log_group();
        let shown = json!([{ "ResourceARN": LOG_GROUP, "Tags": [] }]);
        let first = json!({ "ResourceTagMappingList": shown, "PaginationToken": "next" });
        assert_eq!(find(&tagging, &json!({}), &first), [LOG_GROUP]);
        let last = json!({ "ResourceTagMappingList": [], "PaginationToken": "" });
        assert!(find(&tagging, &json!({ "PaginationToken": "next" }), &last).is_empty());
        assert_eq!(find(&tagging, &json!({}), &last), [LOG_GROUP], "a new query starts afresh");
    }

    #[test]
    fn types_are_read_from_both_forms_of_arn() {
        assert!(is_type("arn:aws:ecs:r:1:service/c/s", "ecs:service"));
        assert!(is_type(LOG_GROUP, "logs"));
        assert!(!is_type(LOG_GROUP, "logs:log"));
    }
}
