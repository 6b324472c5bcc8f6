//! ECS clusters. Limits: ECS API reference.

use std::collections::BTreeSet;

use super::macros::{Common, Resource};
use crate::check::{Check, shorten};
use crate::diag::nearest;
use crate::facts::Facts;
use crate::reference::Ref;

/// The capacity providers that every account has.
pub const FARGATE_PROVIDERS: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// How many capacity providers a cluster, and how many entries a strategy takes.
const MOST: usize = 20;

resource! {
    /// An ECS cluster; its key is its name.
    pub struct Cluster {
        /// Where tasks may run: `FARGATE`, `FARGATE_SPOT`, or capacity providers of the account. Not needed for services that
        /// name no `capacity`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub capacity_providers: Vec<String>,
        /// How tasks that ask for nothing else are spread over the capacity providers.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub default_capacity: Vec<CapacityShare>,
        /// Metrics of tasks and containers, which cost extra: `disabled`, `enabled` or `enhanced`. Without this line the account's
        /// own setting decides, and nothing is changed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub container_insights: Option<ContainerInsights>,
        /// How `ecs execute-command` sessions are encrypted and logged.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub execute_command: Option<ExecuteCommand>,
        /// The ARN of the Cloud Map namespace in which services find each other by Service Connect.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub service_connect_namespace: Option<String>,
        /// The KMS keys that encrypt the storage of tasks. Without this line nothing is changed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub managed_storage: Option<ManagedStorage>,
    }
}

/// One entry of a capacity strategy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityShare {
    /// The capacity provider: `FARGATE`, `FARGATE_SPOT`, or another of the cluster.
    pub provider: String,
    /// The share of tasks that it gets, relative to the other entries: 0 to 1000. 0 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// How many tasks it gets before shares count: 0 to 100000. Only one entry may have a base. 0 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u32>,
}

/// How much Container Insights measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContainerInsights {
    /// Nothing.
    Disabled,
    /// Clusters and services.
    Enabled,
    /// Clusters, services, tasks and containers.
    Enhanced,
}

impl ContainerInsights {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enhanced => "enhanced",
        }
    }
}

/// How `ecs execute-command` sessions are encrypted and logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExecuteCommand {
    /// `default` (the log configuration of the task; assumed unless stated), `none`, or `override` (what is named here).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<ExecLogging>,
    /// The KMS key, by its ARN, that encrypts sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The log group that sessions are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group: Option<Ref>,
    /// Whether sessions are encrypted in the log group. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_encryption: Option<bool>,
    /// The S3 bucket that sessions are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_bucket: Option<String>,
    /// The folder within the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_prefix: Option<String>,
    /// Whether sessions are encrypted in the bucket. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_encryption: Option<bool>,
}

/// Where sessions are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExecLogging {
    /// Where the task logs.
    Default,
    /// Nowhere.
    None,
    /// In the log group and the bucket that are named here.
    Override,
}

impl ExecLogging {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::None => "NONE",
            Self::Override => "OVERRIDE",
        }
    }
}

/// The KMS keys that encrypt the storage of tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ManagedStorage {
    /// For volumes that ECS manages, by its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// For the ephemeral storage of Fargate tasks, by its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fargate_ephemeral_kms_key: Option<String>,
}

/// Reports what ECS refuses in a capacity strategy, of a service on Fargate or else of a cluster. `place` is the strategy's place
/// below the resource.
pub fn check_strategy(cx: &mut Check<'_>, place: &[&str], strategy: &[CapacityShare], on_fargate: bool) {
    if strategy.is_empty() {
        return;
    }
    if strategy.len() > MOST {
        cx.error(
            place,
            "too-many",
            format!("a capacity strategy takes at most {MOST} entries; there are {}", strategy.len()),
        )
        .help("give one entry a larger weight instead of repeating it");
    }
    let mut seen = BTreeSet::new();
    let mut all_there = true;
    for (at, share) in strategy.iter().enumerate() {
        let at = at.to_string();
        let entry = |key| [place, &[at.as_str(), key]].concat();
        if on_fargate && !FARGATE_PROVIDERS.contains(&share.provider.as_str()) && !is_slip(&share.provider) {
            let message = format!("`{}` is not a capacity provider of Fargate", shorten(&share.provider));
            let help = match nearest(&share.provider, FARGATE_PROVIDERS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "there are `FARGATE` and `FARGATE_SPOT`".to_owned(),
            };
            cx.error(&entry("provider"), "not-on-fargate", message).help(help);
            all_there = false;
        } else {
            all_there &= check_provider(cx, &entry("provider"), &share.provider);
        }
        if !seen.insert(&share.provider) {
            cx.error(
                &entry("provider"),
                "provider-twice",
                format!("`{}` is in the strategy twice", shorten(&share.provider)),
            )
            .help("put both weights into one entry");
        }
        if share.weight.is_some_and(|weight| weight > 1000) {
            cx.error(&entry("weight"), "out-of-range", "a weight is 0 to 1000")
                .help("only the ratio of the weights counts: 3 to 1 works like 300 to 100");
        }
        if share.base.is_some_and(|base| base > 100_000) {
            cx.error(&entry("base"), "out-of-range", "a base is 0 to 100000").help("a base is a number of tasks");
        }
    }
    // A weight that could not be read is none that is missing.
    if strategy.iter().all(|share| share.weight.unwrap_or_default() == 0) && !cx.unreadable_within(place) {
        cx.error(place, "no-weight", "no entry of the capacity strategy has a weight, so that no task could be placed")
            .help("write `weight: 1`");
    }
    if strategy.iter().filter(|share| share.base.unwrap_or_default() > 0).count() > 1 {
        cx.error(place, "two-bases", "only one entry of a capacity strategy may have a `base`")
            .help("give the others a `weight` only");
    }
    let fargate = |share: &CapacityShare| FARGATE_PROVIDERS.contains(&share.provider.as_str());
    if all_there && strategy.iter().any(fargate) && !strategy.iter().all(fargate) {
        cx.error(place, "mixed-providers", "a capacity strategy cannot mix Fargate with other capacity providers")
            .help("use only FARGATE and FARGATE_SPOT, or only others");
    }
}

/// Whether a text can only be a slip in the name of a capacity provider. Names that begin with `fargate`, `ecs` or `aws` are
/// reserved, so such a name that AWS does not have is one.
pub fn is_slip(provider: &str) -> bool {
    let lower = provider.to_ascii_lowercase();
    let reserved = ["fargate", "ecs", "aws"].iter().any(|prefix| lower.starts_with(prefix));
    let shaped = (1..=255).contains(&provider.len())
        && provider.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    !FARGATE_PROVIDERS.contains(&provider) && (reserved || !shaped)
}

/// Reports a text that cannot be a capacity provider. Says whether it can.
pub fn check_provider(cx: &mut Check<'_>, place: &[&str], provider: &str) -> bool {
    if !is_slip(provider) {
        return true;
    }
    let mut report =
        cx.error(place, "no-such-provider", format!("there is no capacity provider `{}`", shorten(provider)));
    match nearest(provider, FARGATE_PROVIDERS) {
        Some(near) => report.help(format!("did you mean `{near}`?")),
        None => report.help("`FARGATE` and `FARGATE_SPOT` are there in every account"),
    };
    false
}

impl Cluster {
    fn check_execute_command(&self, cx: &mut Check<'_>) {
        let Some(exec) = &self.execute_command else { return };
        if let Some(key) = &exec.kms_key {
            cx.kms_key(&["execute_command", "kms_key"], key);
        }
        if let Some(Ref::Own(key)) = &exec.log_group {
            cx.reference(&["execute_command", "log_group"], key, "log_groups", cx.stack.log_groups.keys());
        }
        let named = exec.log_group.is_some() || exec.s3_bucket.is_some();
        if exec.logging == Some(ExecLogging::Override) && !named {
            cx.error(
                &["execute_command", "logging"],
                "no-destination",
                "`logging: override` needs a place to write to",
            )
            .help("add a `log_group` or an `s3_bucket`");
        }
        if exec.logging != Some(ExecLogging::Override) && named {
            cx.error(
                &["execute_command"],
                "destination-unused",
                "sessions are written to a log group or a bucket only with `logging: override`",
            )
            .help("add `logging: override`, or remove `log_group` and `s3_bucket`");
        }
        if exec.log_encryption.is_some() && exec.log_group.is_none() {
            cx.error(&["execute_command", "log_encryption"], "no-destination", "`log_encryption` needs a `log_group`")
                .help("add one, or remove the line");
        }
        if (exec.s3_encryption.is_some() || exec.s3_prefix.is_some()) && exec.s3_bucket.is_none() {
            cx.error(&["execute_command"], "no-destination", "`s3_prefix` and `s3_encryption` need an `s3_bucket`")
                .help("add one, or remove them");
        }
    }
}

impl Resource for Cluster {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        cx.length("cluster", &name, 1..=255);
        cx.characters("cluster", &name, "letters, digits, `_` and `-`", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
        });
        if self.capacity_providers.len() > MOST {
            let count = self.capacity_providers.len();
            cx.error(
                &["capacity_providers"],
                "too-many",
                format!("a cluster has at most {MOST} capacity providers; there are {count}"),
            )
            .help("spread services over several clusters");
        }
        for (at, provider) in self.capacity_providers.iter().enumerate() {
            check_provider(cx, &["capacity_providers", &at.to_string()], provider);
        }
        check_strategy(cx, &["default_capacity"], &self.default_capacity, false);
        let sure = !cx.unreadable_within(&["capacity_providers"])
            && self.capacity_providers.iter().all(|provider| !is_slip(provider));
        for (at, share) in self.default_capacity.iter().enumerate() {
            if sure && !is_slip(&share.provider) && !self.capacity_providers.contains(&share.provider) {
                let message =
                    format!("`{}` is not among the `capacity_providers` of the cluster", shorten(&share.provider));
                cx.error(&["default_capacity", &at.to_string(), "provider"], "provider-not-in-cluster", message)
                    .help(format!("add `{}` to `capacity_providers`", shorten(&share.provider)));
            }
        }
        self.check_execute_command(cx);
        if let Some(namespace) = &self.service_connect_namespace {
            // ECS also takes a name, but creates a namespace by it that nobody would own, and answers with its ARN.
            cx.arn(&["service_connect_namespace"], namespace, "servicediscovery");
        }
        if let Some(storage) = &self.managed_storage {
            for (field, key) in
                [("kms_key", &storage.kms_key), ("fargate_ephemeral_kms_key", &storage.fargate_ephemeral_kms_key)]
            {
                if let Some(key) = key {
                    cx.kms_key(&["managed_storage", field], key);
                }
            }
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.arn("ecs", format_args!("cluster/{name}"))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name"]
    }
}
