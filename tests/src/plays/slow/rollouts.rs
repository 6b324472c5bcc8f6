//! Deployments that take their time and end in every way, over an emulator whose deployments are complete at once and know neither
//! events nor service deployments. Source: ECS API reference, `Deployment`, `ServiceDeployment`, `Task`.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::rollout_script::{Script, Standing, Task, View};
use super::rollout_tasks::{Ids, Seen, interfaces, is_running};
use crate::plays::last;
use crate::proxy::{Call, Play, Reply};

/// The numbers of deployments and of their service revisions.
const OLD: &str = "1000000000000000001";
const OURS: &str = "2000000000000000002";
const OTHER: &str = "3000000000000000003";
/// How many looks a step lasts.
const LOOKS: usize = 2;

/// Plays a scenario for one service, from the next call on that creates or changes it.
#[derive(Debug)]
pub struct Rollouts {
    script: Script,
    ids: Ids,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the next deployment is played.
    armed: bool,
    /// Whether only one of a service that is there already is.
    updates_only: bool,
    /// When the deployment that is played began, in seconds since 1970.
    began: Option<f64>,
    /// How often its service was looked at.
    looks: usize,
    /// At which look it was told to roll back.
    stopped: Option<usize>,
    /// The revision before, its own, and how many tasks are wanted.
    before: String,
    revision: String,
    desired: i64,
    /// The capacity provider of its tasks; none for a launch type.
    capacity: Option<String>,
    /// When each task began to run, and when it stopped.
    seen: Seen,
    /// The image of the first container of each revision.
    images: BTreeMap<String, String>,
}

impl Rollouts {
    /// Of this scenario.
    pub fn new(script: Script) -> Self {
        Self { script, ids: Ids::default(), state: Mutex::default() }
    }

    /// Of this scenario, for people to look at: tasks have ids as ECS makes them.
    pub fn to_be_seen(script: Script) -> Self {
        Self { script, ids: Ids::Lifelike, state: Mutex::default() }
    }

    /// The next deployment is played.
    pub fn arm(&self) {
        self.state().armed = true;
    }

    /// The next deployment of a service that is there already is played.
    pub fn arm_for_update(&self) {
        let mut state = self.state();
        (state.armed, state.updates_only) = (true, true);
    }

    /// Whether it was told to roll back.
    pub fn was_stopped(&self) -> bool {
        self.state().stopped.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self, state: &State) -> View {
        let mut view = self.script.view(state.looks / LOOKS).unwrap_or_default();
        let ended = matches!(view.standing, Standing::Completed | Standing::RolledBack(_) | Standing::Superseded);
        if let (Some(at), false) = (state.stopped, ended) {
            let why = "Service deployment rolled back because of a request to stop it.".to_owned();
            let done = state.looks >= at + 2 * LOOKS;
            view.standing = if done { Standing::RolledBack(why) } else { Standing::RollingBack(why) };
        }
        view
    }

    fn deployments(&self, state: &State, view: &View) -> Value {
        let count = |of: &[&str]| view.tasks.iter().filter(|task| of.contains(&task.status.as_str())).count();
        let running = view.tasks.iter().filter(|task| is_running(task)).count();
        let began = state.began.unwrap_or_default();
        let ours = |status: &str, rollout: &str, reason: &str| {
            json!({
                "id": format!("ecs-svc/{OURS}"), "status": status, "taskDefinition": state.revision,
                "desiredCount": state.desired, "runningCount": running,
                "pendingCount": count(&["PROVISIONING", "PENDING", "ACTIVATING"]),
                "failedTasks": count(&["STOPPED"]), "createdAt": began, "updatedAt": began,
                "rolloutState": rollout, "rolloutStateReason": reason,
            })
        };
        let old = |id: &str, status: &str, rollout: &str, reason: &str, task: &str| {
            json!({
                "id": format!("ecs-svc/{id}"), "status": status, "taskDefinition": task,
                "desiredCount": state.desired, "runningCount": state.desired, "pendingCount": 0, "failedTasks": 0,
                "createdAt": if id == OLD { began - 3_600.0 } else { began + 1.0 }, "updatedAt": began,
                "rolloutState": rollout, "rolloutStateReason": reason,
            })
        };
        let back = format!("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/{OLD}.");
        let mut list = match &view.standing {
            Standing::InProgress => vec![ours("PRIMARY", "IN_PROGRESS", "in progress.")],
            Standing::Completed => vec![ours("PRIMARY", "COMPLETED", "completed.")],
            Standing::Failed(why) => vec![ours("PRIMARY", "FAILED", &format!("ECS deployment circuit breaker: {why}"))],
            Standing::RollingBack(why) => vec![
                old(OTHER, "PRIMARY", "IN_PROGRESS", &back, &state.before),
                ours("ACTIVE", "FAILED", &format!("ECS deployment circuit breaker: {why}")),
            ],
            Standing::RolledBack(_) => vec![old(OTHER, "PRIMARY", "COMPLETED", "completed.", &state.before)],
            Standing::Superseded => {
                vec![
                    old(OTHER, "PRIMARY", "IN_PROGRESS", "in progress.", &another(&state.revision)),
                    ours("ACTIVE", "IN_PROGRESS", "in progress."),
                ]
            }
        };
        let alone = matches!(view.standing, Standing::Completed | Standing::RolledBack(_) | Standing::RollingBack(_));
        if !self.script.first && !alone {
            list.push(old(OLD, "ACTIVE", "COMPLETED", "completed.", &state.before));
        }
        list.into()
    }

    /// The service as it is shown.
    fn show(&self, state: &State, call: &Call, service: &mut Value) {
        let view = self.view(state);
        let name = service["serviceName"].as_str().unwrap_or_default().to_owned();
        let began = state.began.unwrap_or_default();
        let events = view.events.iter().enumerate().map(|(at, message)| {
            let seconds = u32::try_from(at).map_or(0.0, |at| f64::from(at) + 1.0);
            json!({ "id": format!("event-{at}"), "createdAt": began + seconds, "message": format!("(service {name}) {message}") })
        });
        let mut events: Vec<Value> = events.collect();
        // What happened before must not be taken for news. Who only looks at the recording would wonder.
        if self.ids == Ids::Plain {
            events.insert(0, json!({ "id": "old", "createdAt": began - 600.0, "message": "(service x) was unable to place a task. Reason: an old story." }));
        }
        events.reverse();
        service["events"] = events.into();
        service["deployments"] = self.deployments(state, &view);
        let runs = match view.standing {
            Standing::RollingBack(_) | Standing::RolledBack(_) => state.before.clone(),
            Standing::Superseded => another(&state.revision),
            Standing::InProgress | Standing::Completed | Standing::Failed(_) => state.revision.clone(),
        };
        service["taskDefinition"] = json!(runs);
        service["runningCount"] = service["deployments"]
            .as_array()
            .map(|list| list.iter().filter_map(|deployment| deployment["runningCount"].as_i64()).sum::<i64>())
            .into();
        if self.script.told {
            let number = if view.standing == Standing::Superseded { OTHER } else { OURS };
            service["currentServiceDeployment"] = json!(service_deployment(call, &name, number));
        }
    }

    /// A service deployment as it is shown.
    fn service_deployment(&self, state: &State, call: &Call, arn: &str) -> Value {
        let view = self.view(state);
        let name = arn.rsplit('/').nth(1).unwrap_or_default();
        let revision = |number: &str| json!({ "arn": arn_of(call, &format!("service-revision/{}/{name}/{number}", cluster(arn))) });
        if last(arn) == OTHER {
            return json!({ "serviceDeploymentArn": arn, "status": "IN_PROGRESS", "targetServiceRevision": revision(OTHER) });
        }
        let (status, reason) = match &view.standing {
            Standing::InProgress => ("IN_PROGRESS", String::new()),
            Standing::Completed => ("SUCCESSFUL", String::new()),
            Standing::Failed(why) => ("STOPPED", format!("Service deployment stopped: {why}")),
            Standing::RollingBack(why) => ("ROLLBACK_IN_PROGRESS", why.clone()),
            Standing::RolledBack(why) => ("ROLLBACK_SUCCESSFUL", why.clone()),
            Standing::Superseded => ("STOPPED", "A newer service deployment was started.".to_owned()),
        };
        let mut shown = json!({
            "serviceDeploymentArn": arn, "status": status, "statusReason": reason,
            "createdAt": state.began, "targetServiceRevision": revision(OURS),
            "sourceServiceRevisions": if self.script.first { json!([]) } else { json!([revision(OLD)]) },
        });
        if let Standing::RollingBack(why) | Standing::RolledBack(why) = &view.standing {
            shown["rollback"] = json!({ "reason": why, "serviceRevisionArn": revision(OLD)["arn"] });
        }
        shown
    }

    fn task(&self, state: &State, call: &Call, cluster: &str, task: &Task) -> Value {
        let (status, health) = match task.status.as_str() {
            health @ ("HEALTHY" | "UNHEALTHY") => ("RUNNING", health),
            other => (other, "UNKNOWN"),
        };
        let mut shown = json!({
            "taskArn": arn_of(call, &format!("task/{cluster}/{}", self.ids.of(task.number))),
            "taskDefinitionArn": state.revision, "lastStatus": status,
            "desiredStatus": if status == "STOPPED" { "STOPPED" } else { "RUNNING" },
            "startedBy": format!("ecs-svc/{OURS}"), "healthStatus": health, "createdAt": state.began,
            "capacityProviderName": state.capacity,
            "containers": [{
                "name": "app", "lastStatus": status, "exitCode": task.exit, "reason": task.reason,
                "image": state.images.get(&state.revision),
            }],
        });
        state.seen.add_to(&mut shown, call, task);
        if let Some((code, reason)) = &task.stopped {
            shown["stopCode"] = json!(code);
            shown["stoppedReason"] = json!(reason);
        }
        shown
    }

    /// The task of the revision before.
    fn old_task(&self, state: &State, view: &View, call: &Call, cluster: &str) -> Value {
        let task = of_before(view);
        let (stopped, status) = (task.stopped.is_some(), task.status.as_str());
        let mut shown = json!({
            "taskArn": arn_of(call, &format!("task/{cluster}/{}", self.ids.of(0))),
            "taskDefinitionArn": state.before, "lastStatus": status, "desiredStatus": status,
            "startedBy": format!("ecs-svc/{OLD}"), "healthStatus": "UNKNOWN",
            "createdAt": state.began.unwrap_or_default() - 3_600.0, "capacityProviderName": state.capacity,
            "stoppedReason": if stopped { json!(format!("Scaling activity initiated by (deployment ecs-svc/{OURS})")) } else { Value::Null },
            "containers": [{ "name": "app", "lastStatus": status, "image": state.images.get(&state.before) }],
        });
        state.seen.add_to(&mut shown, call, &task);
        shown["startedAt"] = shown["createdAt"].clone();
        shown
    }

    fn all_tasks(&self, state: &State, call: &Call, cluster: &str) -> Vec<Value> {
        let view = self.view(state);
        let mut all: Vec<Value> = view.tasks.iter().map(|task| self.task(state, call, cluster, task)).collect();
        if !self.script.first {
            all.push(self.old_task(state, &view, call, cluster));
        }
        all
    }

    fn log(&self, state: &State, call: &Call) -> Reply {
        let request = call.json();
        let stream = request["logStreamName"].as_str().unwrap_or_default();
        let view = self.view(state);
        let task = view.tasks.iter().find(|task| self.ids.of(task.number) == last(stream) && !task.log.is_empty());
        match task {
            Some(task) => {
                let events: Vec<Value> =
                    task.log.iter().map(|line| json!({ "timestamp": 1, "message": line })).collect();
                Reply::new(call, 200, json!({ "events": events }).to_string())
            }
            None => Reply::error(call, 400, "ResourceNotFoundException", "The specified log stream does not exist."),
        }
    }
}

impl Play for Rollouts {
    fn before(&self, call: &Call) -> Option<Reply> {
        let mut state = self.state();
        state.began?;
        let request = call.json();
        let cluster_name = request["cluster"].as_str().map(last).unwrap_or_default().to_owned();
        let answer = match (call.service.as_str(), call.action.as_str()) {
            ("ecs", "ListTasks") => {
                let wanted = &request["desiredStatus"];
                let all = self.all_tasks(&state, call, &cluster_name);
                json!({ "taskArns": all.iter().filter(|task| task["desiredStatus"] == *wanted).map(|task| &task["taskArn"]).collect::<Vec<_>>() })
            }
            ("ecs", "DescribeTasks") => {
                let all = self.all_tasks(&state, call, &cluster_name);
                let wanted = request["tasks"].as_array().cloned().unwrap_or_default();
                json!({ "tasks": all.into_iter().filter(|task| wanted.contains(&task["taskArn"])).collect::<Vec<_>>() })
            }
            ("ecs", "DescribeServiceDeployments") if self.script.told => {
                let arns = request["serviceDeploymentArns"].as_array().cloned().unwrap_or_default();
                let one = |arn: &Value| self.service_deployment(&state, call, arn.as_str().unwrap_or_default());
                json!({ "serviceDeployments": arns.iter().map(one).collect::<Vec<_>>() })
            }
            ("ecs", "StopServiceDeployment") if self.script.told => {
                state.stopped = Some(state.looks);
                json!({ "serviceDeploymentArn": request["serviceDeploymentArn"] })
            }
            ("logs", "GetLogEvents") => return Some(self.log(&state, call)),
            ("ec2", "DescribeNetworkInterfaces") => {
                let view = self.view(&state);
                let tasks: Vec<Task> = view.tasks.iter().cloned().chain([of_before(&view)]).collect();
                return Some(Reply::new(call, 200, interfaces(&tasks)));
            }
            _ => return None,
        };
        Some(Reply::new(call, 200, answer.to_string()))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ecs" || !reply.is_success() {
            return;
        }
        let mut state = self.state();
        let (request, mut answer) = (call.json(), reply.json());
        match call.action.as_str() {
            "RegisterTaskDefinition" => {
                let (arn, image) =
                    (&answer["taskDefinition"]["taskDefinitionArn"], &request["containerDefinitions"][0]["image"]);
                if let (Some(arn), Some(image)) = (arn.as_str(), image.as_str()) {
                    state.images.insert(arn.to_owned(), image.to_owned());
                }
                return;
            }
            "CreateService" | "UpdateService" => {
                if state.armed && (!state.updates_only || call.action == "UpdateService") {
                    state.armed = false;
                    if state.began.is_some() {
                        state.before = mem::take(&mut state.revision);
                        (state.looks, state.stopped, state.seen) = (0, None, Seen::default());
                    }
                    state.began = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs_f64());
                    state.revision = answer["service"]["taskDefinition"].as_str().unwrap_or_default().to_owned();
                    state.desired = answer["service"]["desiredCount"].as_i64().unwrap_or(1);
                    let provider = &answer["service"]["capacityProviderStrategy"][0]["capacityProvider"];
                    state.capacity = provider.as_str().map(str::to_owned);
                } else if state.began.is_some() && request["taskDefinition"].as_str() == Some(state.before.as_str()) {
                    state.stopped = Some(state.looks);
                } else {
                    state.before = answer["service"]["taskDefinition"].as_str().unwrap_or_default().to_owned();
                    return;
                }
                self.show(&state, call, &mut answer["service"]);
            }
            "DescribeServices" if state.began.is_some() => {
                // Those of the planner and of the convergence come before the first one that follows.
                state.looks += 1;
                let view = self.view(&state);
                state.seen.note(&view.tasks);
                state.seen.note(&[of_before(&view)]);
                for service in answer["services"].as_array_mut().into_iter().flatten() {
                    self.show(&state, call, service);
                }
            }
            _ => return,
        }
        reply.body = Bytes::from(answer.to_string());
    }
}

/// The task of the revision before: it goes when its successor is complete.
fn of_before(view: &View) -> Task {
    let gone = view.standing == Standing::Completed;
    let why = ("ServiceSchedulerInitiated".to_owned(), "Scaling activity".to_owned());
    let status = if gone { "STOPPED" } else { "RUNNING" };
    Task { number: 0, status: status.to_owned(), stopped: gone.then_some(why), ..Task::default() }
}

fn arn_of(call: &Call, resource: &str) -> String {
    format!("arn:aws:ecs:{}:{}:{resource}", call.region, call.account)
}

fn service_deployment(call: &Call, service: &str, number: &str) -> String {
    let request = call.json();
    let cluster = request["cluster"].as_str().map_or("default", last).to_owned();
    arn_of(call, &format!("service-deployment/{cluster}/{service}/{number}"))
}

fn cluster(arn: &str) -> &str {
    arn.rsplit('/').nth(2).unwrap_or_default()
}

/// The revision after the next.
fn another(revision: &str) -> String {
    let (family, number) = revision.rsplit_once(':').unwrap_or((revision, "0"));
    format!("{family}:{}", number.parse::<u32>().unwrap_or_default() + 1)
}
