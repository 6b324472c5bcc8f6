//! Whether the roles of a task are there, let ECS have them, and may do what starting the task takes.

use std::collections::BTreeSet;

use super::facts::{Fact, Facts, Role, Stored};
use super::finding::{Finding, Level};
use super::permissions::{Answer, Held, PULL, full, trusts_tasks};
use super::stored::{Use, uses};
use super::subject::{Source, Subjects, Task, in_task};
use crate::address::Address;
use crate::facts::Facts as Place;
use crate::yaml::Path;

/// Judges the roles of all task definitions. What is wrong with a role itself is said once.
pub(super) fn judge(subjects: &Subjects, facts: &Facts, place: &Place, out: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for (key, task) in subjects.tasks.iter().filter(|(_, task)| task.permissions) {
        for (field, arn) in [("execution_role", &task.execution_role), ("task_role", &task.task_role)] {
            let Some(arn) = arn else { continue };
            let report = Report { key, task, field, arn, facts, place };
            if seen.insert(arn) {
                report.itself(out);
            }
            if field == "execution_role" {
                report.needs(out);
            }
        }
    }
}

struct Report<'a> {
    key: &'a str,
    task: &'a Task,
    field: &'a str,
    arn: &'a str,
    facts: &'a Facts,
    place: &'a Place,
}

/// What a role is asked for, with one thing in mind.
struct Ask<'a> {
    /// What for, in words.
    what: String,
    /// Actions, each with its resource; those that are not essential only make a warning.
    actions: Vec<(&'a str, String, bool)>,
    /// Through which service, as KMS knows it.
    via: Option<&'a str>,
    /// The policy of the resource.
    policy: Option<&'a serde_json::Value>,
    /// Whether others than IAM may allow it, so that it is never certain that it is denied.
    doubtful: bool,
    /// The value of the file that wants it.
    path: Path,
    code: &'static str,
    help: String,
}

impl<'a> Report<'a> {
    fn name(&self) -> &'a str {
        self.arn.rsplit('/').next().unwrap_or(self.arn)
    }

    fn finding(&self, level: Level, code: &'static str, path: Path, message: String, help: String) -> Finding {
        Finding { level, code, address: Address::new("task_definition", self.key), path, message, help }
    }

    fn role(&self) -> Option<&'a Role> {
        match self.facts.roles.get(self.arn) {
            Some(Fact::There(role)) => Some(role),
            _ => None,
        }
    }

    /// Where the role is written, if the file has it; else where the task definition names it.
    fn place_of(&self, role: Option<&Role>, part: &str) -> Path {
        match role.and_then(|role| role.key.as_deref()) {
            Some(key) => Path::of(&["roles", key, part]),
            None => in_task(self.key, &[self.field]),
        }
    }

    /// Whether it is there, and whom it trusts.
    fn itself(&self, out: &mut Vec<Finding>) {
        let name = self.name();
        let here = in_task(self.key, &[self.field]);
        match self.facts.roles.get(self.arn) {
            Some(Fact::Missing) => {
                let text = format!("there is no role `{name}`: tasks would not start");
                let help = "correct its name, or let the stack make it: add it under `roles`";
                out.push(self.finding(Level::Error, "role-missing", here, text, help.to_owned()));
            }
            Some(Fact::Unread(why)) => {
                out.push(self.finding(
                    Level::NotChecked,
                    "role-unread",
                    here,
                    format!("the role `{name}`: {why}"),
                    String::new(),
                ));
            }
            None => {
                let text = format!("the role `{name}`: not asked");
                out.push(self.finding(Level::NotChecked, "role-unread", here, text, String::new()));
            }
            Some(Fact::There(role)) => {
                let (level, why) = match trusts_tasks(self.arn, role, self.place) {
                    Answer::Yes => return,
                    Answer::No(why) => (Level::Error, why),
                    Answer::Perhaps(why) => (Level::Warning, why),
                };
                let text = format!("ECS may not have the role `{name}` for its tasks: {why}");
                let help = "let it trust the service: `trust: { service: ecs-tasks.amazonaws.com }`";
                out.push(self.finding(level, "role-trust", self.place_of(Some(role), "trust"), text, help.to_owned()));
            }
        }
    }

    /// What starting the task takes.
    fn needs(&self, out: &mut Vec<Finding>) {
        let Some(role) = self.role() else { return };
        let held = Held::new(self.arn, role);
        let asks = self.asks();
        // What is not known may allow anything, and deny anything.
        if let (Some(why), false) = (held.unread.first(), asks.is_empty()) {
            let text = format!("what the role `{}` may do: {why}", self.name());
            let path = in_task(self.key, &[self.field]);
            out.push(self.finding(Level::NotChecked, "role-unread", path, text, String::new()));
            return;
        }
        for ask in asks {
            let mut missing: Vec<(Level, &str, &str, String)> = Vec::new();
            for (action, resource, essential) in &ask.actions {
                let (level, why) = match held.may(action, resource, ask.via, ask.policy, self.place) {
                    Answer::Yes => continue,
                    Answer::No(why) if *essential && !ask.doubtful => (Level::Error, why),
                    Answer::No(why) | Answer::Perhaps(why) => (Level::Warning, why),
                };
                missing.push((level, action, resource, why));
            }
            let Some((level, _, resource, why)) = missing.iter().min_by_key(|(level, ..)| *level) else { continue };
            let actions: Vec<&str> = missing.iter().map(|(_, action, ..)| *action).collect();
            let text = format!(
                "the role `{}` may not {} on {resource}, to {}: {why}",
                self.name(),
                actions.join(", "),
                ask.what
            );
            out.push(self.finding(*level, ask.code, ask.path, text, ask.help));
        }
    }

    fn asks(&self) -> Vec<Ask<'a>> {
        let mut asks = Vec::new();
        for (name, container) in &self.task.containers {
            let at = |below: &[&str]| in_task(self.key, &[&["containers", name.as_str()], below].concat());
            if let Some(repository) = &container.repository {
                let pull = PULL.iter().map(|(action, essential)| (*action, repository.clone(), *essential));
                let ask = |actions| Ask {
                    what: format!("pull the image of `{name}`"),
                    actions,
                    via: None,
                    policy: self.facts.repository_policies.get(repository),
                    doubtful: false,
                    path: at(&["image"]),
                    code: "role-pull",
                    help: "attach `service-role/AmazonECSTaskExecutionRolePolicy` to it, under `managed_policies`"
                        .to_owned(),
                };
                asks.push(ask(pull.collect()));
                asks.push(Ask { policy: None, ..ask(vec![("ecr:GetAuthorizationToken", "*".to_owned(), true)]) });
            }
            if let Some(logs) = &container.logs {
                let account = &self.place.account;
                let group =
                    format!("arn:{}:logs:{}:{account}:log-group:{}", self.place.partition(), logs.region, logs.group);
                // Streams are named after the prefix, the container and the task.
                let stream = format!("{group}:log-stream:{}/{name}/{}", logs.prefix, "0".repeat(32));
                let mut actions =
                    vec![("logs:CreateLogStream", stream.clone(), true), ("logs:PutLogEvents", stream, true)];
                if logs.creates {
                    actions.push(("logs:CreateLogGroup", format!("{group}:*"), true));
                }
                asks.push(Ask {
                    what: format!("write the log of `{name}`"),
                    actions,
                    via: None,
                    policy: None,
                    doubtful: false,
                    path: at(&["logs"]),
                    code: "role-logs",
                    help: "allow both on the group's ARN with `:*` at its end, or attach `service-role/AmazonECSTaskExecutionRolePolicy`"
                        .to_owned(),
                });
            }
            for used in uses(self.key, name, container, self.place) {
                self.ask_stored(&used, &mut asks);
            }
        }
        asks
    }

    fn ask_stored(&self, Use { source, path }: &Use, asks: &mut Vec<Ask<'a>>) {
        let stored = match self.facts.stored.get(source.arn()) {
            Some(Fact::There(stored)) => Some(stored),
            // What is not there is said already.
            Some(Fact::Missing) => return,
            _ => None,
        };
        let (action, via, resource, noun) = match source {
            Source::Parameter { arn, .. } => ("ssm:GetParameters", "ssm", arn.clone(), "parameter"),
            Source::Secret { arn } => {
                ("secretsmanager:GetSecretValue", "secretsmanager", full(arn, self.facts), "secret")
            }
        };
        // Without the six characters nothing can be told.
        if matches!(source, Source::Secret { arn } if *arn == resource && stored.is_none()) {
            return;
        }
        asks.push(Ask {
            what: format!("read the {noun}"),
            help: format!("allow `{action}` on it, in a policy of the role: under `inline_policies`"),
            actions: vec![(action, resource, true)],
            via: None,
            policy: stored.and_then(|stored| stored.policy.as_ref()),
            doubtful: false,
            path: path.clone(),
            code: "role-secret",
        });
        if let Some(key) = stored.and_then(|stored| key_arn(stored, source)) {
            asks.push(Ask {
                what: format!("decrypt the {noun}"),
                actions: vec![("kms:Decrypt", key, true)],
                via: Some(via),
                policy: None,
                // The key's own policy may name the role.
                doubtful: true,
                path: path.clone(),
                code: "role-key",
                help:
                    "allow `kms:Decrypt` on the key in a policy of the role, unless the key's own policy names the role"
                        .to_owned(),
            });
        }
    }
}

/// The ARN of the key that something is encrypted with. Keys of AWS are open to whoever may read the thing itself. Which key an alias
/// stands for is not known: any will do.
fn key_arn(stored: &Stored, source: &Source) -> Option<String> {
    let key = stored.key.as_deref()?;
    let name = key.rsplit_once(":alias/").map_or(key.strip_prefix("alias/"), |(_, name)| Some(name));
    if name.is_some_and(|name| name.starts_with("aws/")) {
        return None;
    }
    if name.is_none() && key.starts_with("arn:") {
        return Some(key.to_owned());
    }
    let id = if name.is_some() { "00000000-0000-0000-0000-000000000000" } else { key };
    let partition = source.arn().split(':').nth(1).unwrap_or("aws");
    Some(format!("arn:{partition}:kms:{}:{}:key/{id}", source.region(), source.account()))
}
