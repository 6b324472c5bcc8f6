//! What to allow after a refusal: the action and the exact resource, and which commands need it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::desired::Goal;
use hatoba_engine::plan::Step;
use hatoba_engine::snapshot::ReadFailure;
use hatoba_model::facts::Facts;
use hatoba_model::iam::permission::{Permission, statements};
use hatoba_model::iam::refusal::{self, Denied, Why};
use serde_json::Value as Json;

use super::call::{Call, Form, Mode, Need, On, Run, Subject, Whole};
use super::needed::{CHECK, add, checks, shared, topic};
use crate::kinds::drivers;

/// Statements that are missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// The statements, ready to be added to a policy.
    pub statements: Vec<Json>,
    /// The commands that need them: `plan`, `apply`, `destroy`. Empty when that is not known.
    pub runs: Vec<&'static str>,
    /// What else stands in the way, in sentences: a policy that no statement of one's own gets past. Then there may be no statements.
    pub barriers: Vec<String>,
}

impl Missing {
    /// What a command that has permissions of its own was refused; nothing when that is none of them.
    pub fn of(command: &'static str, all: &[Permission], error: &CloudError) -> Option<Self> {
        if error.class != Class::Denied {
            return None;
        }
        let said = refusal::read(&error.message);
        let action = said.as_ref().and_then(|said| said.action.as_deref()).unwrap_or(&error.call);
        if let Some(barrier) = said.as_ref().and_then(|said| said.why.barrier(action)) {
            return Some(Self { statements: Vec::new(), runs: vec![command], barriers: vec![barrier] });
        }
        let of: Vec<Permission> = all.iter().filter(|it| it.action == action).cloned().collect();
        (!of.is_empty()).then(|| Self { statements: statements(&of), runs: vec![command], barriers: Vec::new() })
    }
}

/// Permissions that were refused, gathered from several failures.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    lacking: BTreeMap<Vec<&'static str>, BTreeSet<Permission>>,
    barriers: BTreeSet<String>,
}

impl Refusals {
    /// Takes a failed step.
    pub fn step(&mut self, step: &Step, error: &CloudError, facts: &Facts) {
        let kind = Some(step.kind.name);
        self.take(kind, error, facts, None, &|run| {
            let want = step.want.as_ref().map(|want| Subject::of_wish(want, facts, run, false));
            // A deletion has no wish, a change of something of the file has one.
            want.or(step.live.as_ref().map(|live| Subject::of_sighting(live, facts, run))).into_iter().collect()
        });
    }

    /// Takes a failed read.
    pub fn read(&mut self, failure: &ReadFailure, goal: &Goal, facts: &Facts) {
        let wants: Vec<_> = failure.addresses.iter().filter_map(|address| goal.resources.get(address)).collect();
        let kind = failure.addresses.first().map(|address| address.kind);
        self.take(kind, &failure.error, facts, Some(goal), &|run| {
            wants.iter().map(|want| Subject::of_wish(want, facts, run, wants.len() > 1)).collect()
        });
    }

    /// Takes a read of the preflight that failed.
    pub fn check(&mut self, error: &CloudError, goal: &Goal, facts: &Facts) {
        self.take(Some(CHECK), error, facts, Some(goal), &|_| Vec::new());
    }

    /// What to add, for each set of commands one list of statements.
    pub fn missing(&self) -> Vec<Missing> {
        let one = |(runs, permissions): (&Vec<&'static str>, &BTreeSet<Permission>)| Missing {
            statements: statements(&permissions.iter().cloned().collect::<Vec<_>>()),
            runs: runs.clone(),
            barriers: Vec::new(),
        };
        let mut all: Vec<Missing> = self.lacking.iter().map(one).collect();
        if !self.barriers.is_empty() {
            let barriers = self.barriers.iter().cloned().collect();
            all.push(Missing { statements: Vec::new(), runs: Vec::new(), barriers });
        }
        all
    }

    fn take<'a>(
        &mut self,
        kind: Option<&str>,
        error: &CloudError,
        facts: &'a Facts,
        goal: Option<&'a Goal>,
        subjects: &dyn Fn(Run) -> Vec<Subject<'a>>,
    ) {
        if error.class != Class::Denied {
            return;
        }
        let said = refusal::read(&error.message).unwrap_or(Denied {
            principal: None,
            action: None,
            resource: None,
            why: Why::Unsaid,
        });
        let action = said.action.as_deref().filter(|action| action.contains(':'));
        if let Some(barrier) = said.why.barrier(action.unwrap_or(&error.call)) {
            self.barriers.insert(barrier);
            return;
        }
        let Some((call, kind)) = find(kind, &error.call) else {
            self.unknown(&error.call, &said);
            return;
        };
        // A call may need more than the operation itself; usually the message names what was refused.
        let named = |need: &&Need| action.is_none_or(|action| action == need.action);
        let needs: Vec<&Need> = call.needs.iter().filter(named).collect();
        if needs.is_empty() {
            self.unknown(action.unwrap_or(call.name), &said);
        }
        for need in needs {
            let mut runs = Vec::new();
            let mut permissions = Vec::new();
            for (run, name) in
                [(Run::Plan, "plan"), (Run::Apply, "apply"), (Run::Destroy, "destroy"), (Run::Verify, "verify")]
            {
                // Whoever may plan may verify, too: that is not worth a word.
                if !call.mode.is_part_of(run) || (run == Run::Verify && call.mode != Mode::Verify) {
                    continue;
                }
                let on = match (need.on, goal) {
                    (Form::Each(form), _) => On(subjects(run).iter().flat_map(|subject| form(subject).0).collect()),
                    (Form::Stack(form), Some(goal)) => form(&Whole { facts, goal }),
                    (Form::Stack(_), None) => On::default(),
                };
                if !on.0.is_empty() {
                    runs.push(name);
                    add(&mut permissions, &topic(kind), need, on);
                }
            }
            if permissions.is_empty() {
                self.unknown(need.action, &said);
                continue;
            }
            // Of several roles that are passed, one was refused.
            let is_named = |permission: &Permission| said.resource.as_deref() == Some(permission.resource.as_str());
            if need.action == "iam:PassRole" && permissions.iter().any(is_named) {
                permissions.retain(is_named);
            }
            self.lacking.entry(runs).or_default().extend(permissions);
        }
    }

    /// What only the message tells of.
    fn unknown(&mut self, action: &str, said: &Denied) {
        let resource = said.resource.as_deref().filter(|resource| resource.starts_with("arn:")).unwrap_or("*");
        let permission = Permission::new("Refused", said.action.as_deref().unwrap_or(action), resource);
        self.lacking.entry(Vec::new()).or_default().insert(permission);
    }
}

/// The call of this name, first among those of the kind; with what it is made for.
fn find(kind: Option<&str>, name: &str) -> Option<(&'static Call, &'static str)> {
    if kind == Some(CHECK) {
        return checks().find(|call| call.name == name).map(|call| (call, CHECK));
    }
    let own = drivers().filter(|driver| Some(driver.info().name) == kind);
    let all = own.chain(drivers()).flat_map(|driver| {
        let kind = driver.info().name;
        driver.calls().into_iter().map(move |call| (call, kind))
    });
    // What is shared comes before the other kinds.
    let mut calls: Vec<(&'static Call, &'static str)> = all.collect();
    let first = calls.iter().take_while(|(_, of)| Some(*of) == kind).count();
    calls.splice(first..first, shared().map(|call| (call, "survey")));
    calls.into_iter().find(|(call, _)| call.name == name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use hatoba_model::address::Address;
    use hatoba_model::stack::Stack;
    use serde_json::json;

    use super::*;
    use crate::desire;

    fn facts() -> Facts {
        Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    fn goal() -> Goal {
        let stack = json!({
            "stack": "papyrus",
            "region": "us-west-2",
            "roles": { "papyrus-task": { "trust": { "service": "ecs-tasks.amazonaws.com" } } },
            "log_groups": { "/ecs/papyrus": {} },
            "task_definitions": { "papyrus": {
                "cpu": 256, "memory": 512, "execution_role": { "existing": "pull" }, "task_role": "papyrus-task",
                "containers": { "app": { "image": "nginx" } },
            } },
        });
        let stack: Stack = serde_json::from_value(stack).unwrap();
        desire::goal(&stack, &facts())
    }

    fn refused(address: (&'static str, &str), call: &str, message: &str) -> Vec<Missing> {
        let goal = goal();
        let mut error = CloudError::new(Class::Denied, call, message);
        error.code = Some("AccessDenied".into());
        let failure = ReadFailure { addresses: vec![Address::new(address.0, address.1)], error };
        let mut refusals = Refusals::default();
        refusals.read(&failure, &goal, &facts());
        refusals.missing()
    }

    fn short(missing: &[Missing]) -> Json {
        let statement = |s: &Json| json!([s["Sid"], s["Action"], s["Resource"], s["Condition"]]);
        let one = |it: &Missing| json!([it.runs, it.statements.iter().map(statement).collect::<Vec<_>>()]);
        missing.iter().map(one).collect()
    }

    #[test]
    fn a_refusal_names_the_resource_that_was_meant_and_who_needs_it() {
        let missing = refused(("log_group", "/ecs/papyrus"), "logs:CreateLogGroup", "no");
        let group = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus";
        assert_eq!(
            short(&missing),
            json!([[
                ["apply"],
                [["LogGroup", ["logs:CreateLogGroup", "logs:TagResource"], [group, format!("{group}:*")], null]]
            ]])
        );
    }

    #[test]
    fn of_what_a_call_needs_only_what_was_refused_is_named() {
        let role = "arn:aws:iam::123456789012:role/papyrus-task";
        let message = format!(
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: {role} because no identity-based policy allows the iam:PassRole action"
        );
        let missing = refused(("task_definition", "papyrus"), "ecs:RegisterTaskDefinition", &message);
        let given = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
        assert_eq!(short(&missing), json!([[["apply"], [["PassTaskRoles", "iam:PassRole", role, given]]]]));
    }

    #[test]
    fn what_all_kinds_share_is_found_whoever_reports_it() {
        let missing = refused(("role", "papyrus-task"), "iam:GetAccountAuthorizationDetails", "no");
        let everywhere = json!([["AccountWide", "iam:GetAccountAuthorizationDetails", "*", null]]);
        assert_eq!(short(&missing), json!([[["plan", "apply", "destroy"], everywhere]]));
        let policies = refused(("role", "papyrus-task"), "iam:GetPolicy", "no");
        assert_eq!(policies[0].statements[0]["Resource"], json!("arn:aws:iam::123456789012:policy/*"));
    }

    #[test]
    fn what_no_table_has_is_taken_from_the_message() {
        let message = "X is not authorized to perform: kms:CreateGrant on resource: arn:aws:kms:us-west-2:1:key/2.";
        let missing = refused(("log_group", "/ecs/papyrus"), "logs:CreateLogGroup", message);
        assert_eq!(
            short(&missing),
            json!([[[], [["Refused", "kms:CreateGrant", "arn:aws:kms:us-west-2:1:key/2", null]]]])
        );
        let mut refusals = Refusals::default();
        let error = CloudError::new(Class::Throttled, "logs:CreateLogGroup", "slow down");
        refusals.read(&ReadFailure { addresses: Vec::new(), error }, &goal(), &facts());
        assert!(refusals.missing().is_empty());
    }

    #[test]
    fn a_command_with_permissions_of_its_own_lacks_one_of_those() {
        let service = "arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus";
        let all = [
            Permission::new("UpdateServices", "ecs:DescribeServices", service),
            Permission::new("UpdateServices", "ecs:UpdateService", service),
        ];
        let mut error = CloudError::new(Class::Denied, "ecs:DescribeServices", "no");
        let missing = Missing::of("deploy", &all, &error).unwrap();
        let one = json!([["deploy"], [["UpdateServices", "ecs:DescribeServices", service, null]]]);
        assert_eq!(short(&[missing])[0], one);
        error.call = "ecs:CreateCluster".into();
        assert_eq!(Missing::of("deploy", &all, &error), None);
    }

    #[test]
    fn what_a_policy_of_others_denies_is_no_missing_statement() {
        let role = "arn:aws:iam::123456789012:role/papyrus-task";
        let message = format!(
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:CreateRole on resource: {role} with an explicit deny in a service control policy"
        );
        let missing = refused(("role", "papyrus-task"), "iam:CreateRole", &message);
        assert_eq!((missing.len(), missing[0].statements.len()), (1, 0));
        assert!(missing[0].barriers[0].contains("service control policy of the organisation denies iam:CreateRole"));
    }
}
