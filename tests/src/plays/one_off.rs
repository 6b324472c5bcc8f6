//! Tasks that are run once, step by step, and sessions in tasks that run: the emulators' own tasks run nothing and end at once or never,
//! and neither keeps to `clientToken`. Source: ECS API reference, `RunTask`, `DescribeTasks`, `StopTask`, `ExecuteCommand`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::plays::last;
use crate::proxy::{Call, Play, Reply};

/// The token of a session: whoever has it is in the container.
pub const TOKEN: &str = "token-that-nobody-may-see";

/// Plays tasks of `RunTask`. Each look at a task shows the next step; the last one stays.
#[derive(Debug, Default)]
pub struct OneOffs {
    steps: Vec<Value>,
    refused: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The tasks by the tokens with which they were started.
    started: BTreeMap<String, String>,
    /// Every request to start one.
    requests: Vec<Value>,
    /// How often a task was looked at.
    looks: usize,
    /// The request to stop it.
    stopped: Option<Value>,
}

impl OneOffs {
    /// Steps are members of a task, each laid over those before; `log` has lines by container, which are added to its stream.
    pub fn new(steps: Vec<Value>) -> Self {
        Self { steps, ..Self::default() }
    }

    /// No task is started, for this reason.
    pub fn refusing(reason: &str) -> Self {
        Self { refused: Some(reason.to_owned()), ..Self::default() }
    }

    /// How many tasks were started.
    pub fn started(&self) -> usize {
        self.state().started.len()
    }

    /// The requests to start one.
    pub fn requests(&self) -> Vec<Value> {
        self.state().requests.clone()
    }

    /// The request to stop one.
    pub fn stopped(&self) -> Option<Value> {
        self.state().stopped.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: &State, arn: &str, request: &Value) -> Value {
        let mut task = json!({
            "taskArn": arn, "lastStatus": "PROVISIONING", "desiredStatus": "RUNNING", "startedBy": request["startedBy"],
            "taskDefinitionArn": request["taskDefinition"], "createdAt": now(), "containers": [],
        });
        for step in self.steps.iter().take(state.looks) {
            for (name, value) in step.as_object().into_iter().flatten() {
                if name != "log" {
                    task[name.as_str()] = value.clone();
                }
            }
        }
        if let Some(stop) = &state.stopped {
            task["lastStatus"] = json!("STOPPED");
            task["desiredStatus"] = json!("STOPPED");
            task["stopCode"] = json!("UserInitiated");
            task["stoppedReason"] = stop["reason"].clone();
            for container in task["containers"].as_array_mut().into_iter().flatten() {
                container["lastStatus"] = json!("STOPPED");
                container["exitCode"] = json!(143);
            }
        }
        task
    }

    /// What a container has written by now.
    fn lines(&self, state: &State, container: &str) -> Vec<String> {
        let steps = self.steps.iter().take(state.looks);
        let lines = steps.filter_map(|step| step["log"][container].as_array()).flatten();
        lines.filter_map(|line| line.as_str().map(str::to_owned)).collect()
    }

    fn log(&self, state: &State, call: &Call) -> Reply {
        let request = call.json();
        let stream = request["logStreamName"].as_str().unwrap_or_default();
        let lines = self.lines(state, stream.rsplit('/').nth(1).unwrap_or_default());
        if lines.is_empty() {
            return Reply::error(call, 400, "ResourceNotFoundException", "The specified log stream does not exist.");
        }
        let place = request["nextToken"].as_str().and_then(|token| token.strip_prefix("f/")?.parse().ok());
        let events: Vec<Value> = lines
            .iter()
            .enumerate()
            .skip(place.unwrap_or(0))
            .map(|(at, line)| json!({ "timestamp": at, "message": line }))
            .collect();
        Reply::new(call, 200, json!({ "events": events, "nextForwardToken": format!("f/{}", lines.len()) }).to_string())
    }
}

impl Play for OneOffs {
    fn before(&self, call: &Call) -> Option<Reply> {
        let mut state = self.state();
        let request = call.json();
        let answer = match (call.service.as_str(), call.action.as_str()) {
            ("ecs", "RunTask") => {
                state.requests.push(request.clone());
                if let Some(reason) = &self.refused {
                    let body = json!({ "tasks": [], "failures": [{ "reason": reason }] });
                    return Some(Reply::new(call, 200, body.to_string()));
                }
                let number = state.started.len() + 1;
                let token = request["clientToken"].as_str().unwrap_or_default().to_owned();
                let cluster = request["cluster"].as_str().map_or("default", last);
                let arn = arn(call, cluster, &number.to_string().repeat(32));
                let arn = state.started.entry(token).or_insert(arn).clone();
                json!({ "tasks": [self.show(&state, &arn, &request)], "failures": [] })
            }
            ("ecs", "DescribeTasks") => {
                let started = state.started.values().next().cloned()?;
                if !request["tasks"].as_array()?.iter().any(|task| task.as_str().map(last) == Some(last(&started))) {
                    return None;
                }
                state.looks += 1;
                let first = state.requests.first().cloned().unwrap_or_default();
                json!({ "tasks": [self.show(&state, &started, &first)], "failures": [] })
            }
            ("ecs", "StopTask") => {
                state.stopped = Some(request);
                json!({ "task": {} })
            }
            ("logs", "GetLogEvents") => return Some(self.log(&state, call)),
            _ => return None,
        };
        Some(Reply::new(call, 200, answer.to_string()))
    }
}

/// A task that runs with its agent; `id` is every character of its id.
pub fn running(id: char, started: u32) -> Value {
    let agent = json!({ "name": "ExecuteCommandAgent", "lastStatus": "RUNNING" });
    json!({
        "id": id.to_string().repeat(32), "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedAt": started,
        "enableExecuteCommand": true, "taskDefinitionArn": "papyrus:1",
        "containers": [{ "name": "app", "lastStatus": "RUNNING", "runtimeId": format!("{id}-runtime"), "managedAgents": [agent] }],
    })
}

/// Plays tasks of a service that run, and opens sessions in them.
#[derive(Debug)]
pub struct Sessions {
    tasks: Vec<Value>,
    opened: Mutex<Vec<Value>>,
}

impl Sessions {
    /// These tasks run; each is the members of a task, of which `id` is the id.
    pub fn new(tasks: Vec<Value>) -> Self {
        Self { tasks, opened: Mutex::default() }
    }

    /// The requests to open a session.
    pub fn opened(&self) -> Vec<Value> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn all(&self, call: &Call, cluster: &str) -> Vec<Value> {
        let shown = |task: &Value| {
            let mut task = task.clone();
            task["taskArn"] = json!(arn(call, cluster, task["id"].as_str().unwrap_or_default()));
            task
        };
        self.tasks.iter().map(shown).collect()
    }
}

impl Play for Sessions {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != "ecs" {
            return None;
        }
        let request = call.json();
        let cluster = request["cluster"].as_str().map_or("default", last).to_owned();
        let answer = match call.action.as_str() {
            "ListTasks" => {
                let all = self.all(call, &cluster);
                let of = all.iter().filter(|task| task["serviceless"] != true && request["desiredStatus"] == "RUNNING");
                json!({ "taskArns": of.map(|task| &task["taskArn"]).collect::<Vec<_>>() })
            }
            "DescribeTasks" => {
                let asked = request["tasks"].as_array().cloned().unwrap_or_default();
                let is = |task: &&Value| asked.iter().any(|asked| asked.as_str().map(last) == task["id"].as_str());
                json!({ "tasks": self.all(call, &cluster).iter().filter(is).collect::<Vec<_>>() })
            }
            "ExecuteCommand" => {
                let session = json!({
                    "sessionId": "ecs-execute-command-0123456789abcdef0", "tokenValue": TOKEN,
                    "streamUrl": "wss://ssmmessages.us-west-2.amazonaws.com/v1/data-channel/ecs-execute-command-0123456789abcdef0",
                });
                let answer = json!({
                    "containerName": request["container"], "interactive": true, "taskArn": request["task"], "session": session,
                });
                self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                answer
            }
            _ => return None,
        };
        Some(Reply::new(call, 200, answer.to_string()))
    }
}

fn arn(call: &Call, cluster: &str, id: &str) -> String {
    format!("arn:aws:ecs:{}:{}:task/{cluster}/{id}", call.region, call.account)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
