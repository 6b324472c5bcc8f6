//! Plans and applies in-process, over HTTP, with the crates that the binary is made of: for suites with hundreds of
//! stacks, where starting a process each time would be most of the work.

use std::collections::BTreeMap;

use hatoba_engine::clock::RealClock;
use hatoba_engine::cloud::Cloud;
use hatoba_engine::execute::{Outcome, execute};
use hatoba_engine::lint::lint;
use hatoba_engine::plan::{Intent, Plan, plan};
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use hatoba_provider::aws::{Aws, Settings};
use hatoba_provider::desire::goal;
use hatoba_provider::provider::Provider;

use crate::lease::Lease;

/// A session with an emulator (through a proxy, if the endpoint is one).
#[derive(Debug)]
pub struct Session {
    provider: Provider,
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// What stands in the way, in words.
    pub async fn open(lease: &Lease, endpoint: &str) -> Result<Self, String> {
        let settings = Settings {
            profile: None,
            endpoint_url: Some(endpoint.to_owned()),
            keys: Some((lease.access_key.clone(), lease.secret.clone())),
        };
        let region = lease.region.parse().map_err(|error| format!("{error}"))?;
        let aws = Aws::connect(&settings, region).await.map_err(|error| error.to_string())?;
        Ok(Self { provider: Provider::new(aws) })
    }

    /// Reads a stack file for this account.
    ///
    /// # Errors
    /// The rendered diagnostics.
    pub fn read(&self, text: &str) -> Result<Stack, String> {
        let source = Source::new("stack.yaml", text);
        let vars = BTreeMap::new();
        let options = Options {
            env: None,
            vars: &vars,
            process_env: &|_| None,
            files: &|path| Err(format!("there is no {path} here")),
            account: Some(&self.provider.aws().facts().account),
            region: None,
        };
        load(&source, &options).map(|loaded| loaded.stack).map_err(|problems| problems.render(&source))
    }

    /// Plans.
    ///
    /// # Errors
    /// A circle, a finding of the plan lint, or a read that failed.
    pub async fn plan(&self, stack: &Stack, intent: Intent) -> Result<Plan, String> {
        let mut goal = goal(stack, self.provider.aws().facts());
        goal.content = intent == Intent::Absent;
        let seen = self.provider.survey(&goal).await;
        let plan = plan(&goal, &seen, intent).map_err(|error| error.to_string())?;
        let findings = lint(&goal, &seen, &plan);
        if !findings.is_empty() {
            return Err(format!("plan lint: {findings:?}"));
        }
        match plan.unknown.as_slice() {
            [] => Ok(plan),
            unknown => Err(format!("could not be read: {unknown:?}")),
        }
    }

    /// Carries a plan out.
    pub async fn execute(&self, plan: &Plan) -> Outcome {
        let (_keep, stop) = tokio::sync::watch::channel(false);
        execute(plan, &self.provider, &RealClock::default(), None, stop, &|_| {}).await
    }

    /// Plans and carries out; nothing may be refused and nothing may fail.
    ///
    /// # Errors
    /// What was refused or failed.
    pub async fn apply(&self, stack: &Stack, intent: Intent) -> Result<Plan, String> {
        let plan = self.plan(stack, intent).await?;
        if !plan.refusals.is_empty() {
            return Err(format!("refused: {:#?}", plan.refusals));
        }
        let outcome = self.execute(&plan).await;
        if outcome.is_complete() {
            return Ok(plan);
        }
        let failures: Vec<String> = outcome
            .failed()
            .map(|(id, error)| {
                format!("{}: {error}", plan.steps.get(id).map(|s| s.address.to_string()).unwrap_or_default())
            })
            .collect();
        Err(failures.join("\n"))
    }
}

/// A plan's steps in one line each, for messages: `~ log_group./ecs/x retention_days`.
pub fn brief(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let changes: Vec<String> = step
                .changes
                .iter()
                .map(|c| {
                    format!(
                        "{}: {:?} -> {:?}",
                        c.path,
                        c.before.as_ref().map(|v| v.to_json()),
                        c.after.as_ref().map(|v| v.to_json())
                    )
                })
                .collect();
            format!("{:?} {} {}", step.act, step.address, changes.join("; "))
        })
        .collect()
}
