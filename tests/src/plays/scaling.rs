//! Application Auto Scaling for ECS services: ministack has none, and moto's neither moves the count of a service nor cares for what belongs
//! together. As its API reference has it: a target belongs to a service that exists, and moves its count into its bounds at once; what is
//! left out of an update keeps its value, but for the dates of a scheduled action; with a target goes everything on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::{last, members};
use crate::proxy::{Call, Play, Reply};

const SERVICE: &str = "application-autoscaling";
const DIMENSION: &str = "ecs:service:DesiredCount";
/// How much AWS shows on one page.
const PAGE: usize = 50;

/// What is kept of one service.
#[derive(Debug, Default)]
struct Kept {
    /// How many copies ECS was told to run; none while there is no such service.
    count: Option<i64>,
    /// How many the bounds of the target make of it, where that is something else.
    moved: Option<i64>,
    target: Option<Map<String, Value>>,
    actions: BTreeMap<String, Map<String, Value>>,
    policies: BTreeMap<String, Map<String, Value>>,
}

/// By account, region and `service/CLUSTER/NAME`.
#[derive(Debug, Default)]
pub(super) struct Scaling(Mutex<BTreeMap<(String, String), Kept>>);

/// An error: its code and its message.
type Refusal = (&'static str, String);

fn place(call: &Call) -> String {
    format!("{}/{}", call.account, call.region)
}

fn no_target(id: &str) -> Refusal {
    let message = format!(
        "No scalable target found for service namespace: ecs, resource ID: {id}, scalable dimension: {DIMENSION}"
    );
    ("ObjectNotFoundException", message)
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(("ValidationException", message.into()))
}

impl Scaling {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<(String, String), Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, call: &Call) -> Result<Value, Refusal> {
        let request = call.json();
        let text = |member: &str| request[member].as_str().unwrap_or_default().to_owned();
        let id = text("ResourceId");
        let mut kept = self.kept();
        let of = (place(call), id.clone());
        match call.action.as_str() {
            "DescribeScalableTargets" => {
                let ids = request["ResourceIds"].as_array();
                let asked = |id: &str| ids.is_none_or(|ids| ids.iter().any(|asked| asked == id));
                let mine = kept.iter().filter(|((place, id), _)| *place == of.0 && asked(id));
                let all = mine.filter_map(|((_, id), kept)| Some(shown(id, kept.target.as_ref()?)));
                return page(&request, "ScalableTargets", all.collect());
            }
            "DescribeScheduledActions" | "DescribeScalingPolicies" => {
                let (list, actions) = match call.action.as_str() {
                    "DescribeScheduledActions" => ("ScheduledActions", true),
                    _ => ("ScalingPolicies", false),
                };
                let mine = kept.iter().filter(|((place, other), _)| *place == of.0 && (id.is_empty() || *other == id));
                let all = mine.flat_map(|((_, id), kept)| {
                    let things = if actions { &kept.actions } else { &kept.policies };
                    things.values().map(move |thing| shown(id, thing))
                });
                return page(&request, list, all.collect());
            }
            _ => {}
        }
        if text("ServiceNamespace") != "ecs" || text("ScalableDimension") != DIMENSION {
            return invalid("Unsupported service namespace, resource type or scalable dimension");
        }
        let kept = kept.entry(of).or_default();
        match call.action.as_str() {
            "RegisterScalableTarget" => kept.register(&id, &request),
            _ if kept.target.is_none() => Err(no_target(&id)),
            "DeregisterScalableTarget" => {
                kept.target = None;
                kept.actions.clear();
                kept.policies.clear();
                Ok(json!({}))
            }
            "PutScheduledAction" => kept.put_action(&text("ScheduledActionName"), &request),
            "DeleteScheduledAction" => {
                let name = text("ScheduledActionName");
                kept.actions
                    .remove(&name)
                    .map(|_| json!({}))
                    .ok_or_else(|| ("ObjectNotFoundException", format!("No scheduled action found with name {name}")))
            }
            "PutScalingPolicy" => kept.put_policy(&text("PolicyName"), &request),
            "DeleteScalingPolicy" => {
                let name = text("PolicyName");
                kept.policies
                    .remove(&name)
                    .map(|_| json!({}))
                    .ok_or_else(|| ("ObjectNotFoundException", format!("No scaling policy found with name {name}")))
            }
            other => invalid(format!("{other} is not played")),
        }
    }
}

impl Kept {
    fn register(&mut self, id: &str, request: &Value) -> Result<Value, Refusal> {
        let Some(count) = self.moved.or(self.count) else {
            return invalid(format!("ECS service doesn't exist: {id}"));
        };
        let mut target = self.target.clone().unwrap_or_default();
        for (member, value) in members(request) {
            match (member.as_str(), value) {
                ("MinCapacity" | "MaxCapacity", value) => drop(target.insert(member, value)),
                ("SuspendedState", value) => {
                    let mut state = target.get("SuspendedState").map(members).unwrap_or_default();
                    state.extend(members(&value));
                    target.insert(member, state.into());
                }
                _ => {}
            }
        }
        let bound = |name: &str| target.get(name).and_then(Value::as_i64);
        let (Some(min), Some(max)) = (bound("MinCapacity"), bound("MaxCapacity")) else {
            return invalid("Minimum and maximum capacity must be specified for a new scalable target");
        };
        if min > max {
            return invalid("Maximum capacity cannot be less than minimum capacity");
        }
        self.moved = Some(count.clamp(min, max)).filter(|moved| Some(*moved) != self.count);
        self.target = Some(target);
        Ok(json!({}))
    }

    fn put_action(&mut self, name: &str, request: &Value) -> Result<Value, Refusal> {
        let mut action = self.actions.get(name).cloned().unwrap_or_default();
        action.remove("StartTime");
        action.remove("EndTime");
        for (member, value) in members(request) {
            if ["Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction"].contains(&member.as_str()) {
                action.insert(member, value);
            }
        }
        let complete = action.contains_key("Schedule")
            && action.get("ScalableTargetAction").is_some_and(|to| !members(to).is_empty());
        if name.is_empty() || name.contains([':', '/', '|']) || !complete {
            return invalid("A scheduled action has a name, a schedule and a capacity");
        }
        action.insert("ScheduledActionName".into(), name.into());
        action.insert("ScheduledActionARN".into(), format!("arn:aws:autoscaling:scheduledAction/{name}").into());
        self.actions.insert(name.to_owned(), action);
        Ok(json!({}))
    }

    fn put_policy(&mut self, name: &str, request: &Value) -> Result<Value, Refusal> {
        let mut policy = Map::new();
        let kept = ["PolicyType", "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"];
        for (member, value) in members(request) {
            if kept.contains(&member.as_str()) {
                policy.insert(member, value);
            }
        }
        let arn = format!("arn:aws:autoscaling:scalingPolicy/{name}");
        policy.insert("PolicyName".into(), name.into());
        policy.insert("PolicyARN".into(), arn.as_str().into());
        policy.entry("PolicyType").or_insert_with(|| "StepScaling".into());
        self.policies.insert(name.to_owned(), policy);
        Ok(json!({ "PolicyARN": arn, "Alarms": [] }))
    }
}

/// With what every answer says.
fn shown(id: &str, thing: &Map<String, Value>) -> Value {
    let mut thing = thing.clone();
    let more = json!({
        "ServiceNamespace": "ecs", "ResourceId": id, "ScalableDimension": DIMENSION, "CreationTime": 1_764_000_000.5,
        "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
    });
    thing.extend(members(&more));
    thing.into()
}

fn page(request: &Value, list: &str, all: Vec<Value>) -> Result<Value, Refusal> {
    let from = request["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let mut answer = json!({ list: all.iter().skip(from).take(PAGE).collect::<Vec<_>>() });
    if all.len() > from + PAGE {
        answer["NextToken"] = (from + PAGE).to_string().into();
    }
    Ok(answer)
}

impl Play for Scaling {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != SERVICE {
            return None;
        }
        Some(match self.answer(call) {
            Ok(answer) => Reply::new(call, 200, answer.to_string()),
            Err((code, message)) => Reply::error(call, 400, code, &message),
        })
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ecs" || !reply.is_success() {
            return;
        }
        let request = call.json();
        let cluster = request["cluster"].as_str().map_or("default", last).to_owned();
        let key = |name: &str| (place(call), format!("service/{cluster}/{}", last(name)));
        let mut kept = self.kept();
        match call.action.as_str() {
            "CreateService" => {
                // What an orphan of an earlier service of the name holds comes back to life, bounds and all.
                let kept = kept.entry(key(request["serviceName"].as_str().unwrap_or_default())).or_default();
                kept.count = Some(request["desiredCount"].as_i64().unwrap_or_default());
                kept.moved = None;
            }
            "UpdateService" => {
                let kept = kept.entry(key(request["service"].as_str().unwrap_or_default())).or_default();
                if let Some(count) = request["desiredCount"].as_i64() {
                    (kept.count, kept.moved) = (Some(count), None);
                }
            }
            "DeleteService" => {
                let kept = kept.entry(key(request["service"].as_str().unwrap_or_default())).or_default();
                (kept.count, kept.moved) = (None, None);
            }
            "DescribeServices" => {
                let mut answer = reply.json();
                let mut changed = false;
                for service in answer["services"].as_array_mut().into_iter().flatten() {
                    let moved = kept.get(&key(service["serviceName"].as_str().unwrap_or_default()));
                    if let Some(moved) = moved.and_then(|kept| kept.moved).filter(|_| service["status"] == "ACTIVE") {
                        changed = true;
                        service["desiredCount"] = moved.into();
                        service["runningCount"] = moved.into();
                        service["pendingCount"] = 0.into();
                    }
                }
                if changed {
                    reply.body = Bytes::from(answer.to_string());
                }
            }
            _ => {}
        }
    }
}
