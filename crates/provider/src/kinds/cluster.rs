//! ECS clusters. Source: ECS API reference.

use async_trait::async_trait;
use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, Cluster as ApiCluster, ClusterConfiguration, ClusterField,
    ClusterServiceConnectDefaultsRequest, ClusterSetting, ClusterSettingName, ExecuteCommandConfiguration,
    ExecuteCommandLogConfiguration, ExecuteCommandLogging, ManagedStorageConfiguration, Tag,
};
use futures::future::try_join_all;
use hatoba_engine::cloud::{Class, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::{Readiness, Sighting};
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::Resource;
use hatoba_model::kinds::cluster::{CapacityShare, Cluster as Spec, ExecuteCommand, ManagedStorage};

use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{Call, Form, On, calls};
use crate::survey::{Found, Survey};
use crate::tags;

/// Clusters.
#[derive(Debug)]
pub struct Cluster;

const CAPACITY: &str = "PutClusterCapacityProviders";
const UPDATE: &str = "UpdateCluster";
const TAGS: &str = "TagResource";

/// How many names one `DescribeClusters` takes.
const BATCH: usize = 100;

calls! {
    DESCRIBE_CLUSTERS: Plan "ecs:DescribeClusters" => CLUSTER;
    // For the services that bear the mark, and for those that keep a cluster from being deleted.
    LIST_SERVICES: Plan "ecs:ListServices"
        => Form::Each(|s| On::any().given("ArnEquals", "ecs:cluster", arn(s.name, s.facts)));
    CREATE_CLUSTER: Apply "ecs:CreateCluster" => CLUSTER, "ecs:TagResource" => CLUSTER;
    PUT_CLUSTER_CAPACITY_PROVIDERS: Apply "ecs:PutClusterCapacityProviders" => CLUSTER;
    UPDATE_CLUSTER: Apply "ecs:UpdateCluster" => CLUSTER;
    TAG_RESOURCE: Apply "ecs:TagResource" => CLUSTER;
    UNTAG_RESOURCE: Change "ecs:UntagResource" => Form::Each(|s| On::arn(arn(s.name, s.facts)).when(s.untags()));
    DELETE_CLUSTER: Destroy "ecs:DeleteCluster" => CLUSTER;
}

const CLUSTER: Form = Form::Each(|s| On::arn(arn(s.name, s.facts)));

static INFO: KindInfo = KindInfo {
    name: "cluster",
    title: "cluster",
    create_call: "CreateCluster",
    delete_call: "DeleteCluster",
    fields: &[
        // ECS neither lets a service use what the cluster does not have, nor the cluster lose what a service uses.
        Field::update("capacity_providers", CAPACITY).users_first(),
        Field::update("default_capacity", CAPACITY),
        // What a new cluster gets depends on a setting of the account.
        Field::update("container_insights", UPDATE).unmanaged(),
        Field::update("execute_command", UPDATE),
        Field::update("service_connect_namespace", UPDATE),
        // No call is known to take the keys away again.
        Field::update("managed_storage", UPDATE).unmanaged(),
        Field::update("tags", TAGS),
    ],
    groups: &[Group::new(UPDATE), Group::new(CAPACITY), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: true,
    // Changes of clusters are throttled to one a second after the first twenty.
    parallel: 4,
};

fn arn(name: &str, facts: &Facts) -> String {
    Spec::default().output(name, "arn", facts).unwrap_or_default()
}

fn outputs(name: &str, facts: &Facts) -> Vec<(String, Value)> {
    vec![("arn".into(), arn(name, facts).into()), ("name".into(), name.into())]
}

/// Entries by provider: their order does not count, and neither number is optional to ECS.
fn strategy<'s>(shares: impl IntoIterator<Item = (&'s str, i64, i64)>) -> Value {
    Value::map(shares.into_iter().map(|(provider, weight, base)| {
        (provider, Value::map([("weight", Value::Int(weight)), ("base", Value::Int(base))]))
    }))
}

fn strategy_wish(shares: &[CapacityShare]) -> Option<Value> {
    let share = |s: &CapacityShare| (i64::from(s.weight.unwrap_or_default()), i64::from(s.base.unwrap_or_default()));
    (!shares.is_empty()).then(|| strategy(shares.iter().map(|s| (s.provider.as_str(), share(s).0, share(s).1))))
}

/// Named texts and switches without those that say nothing: logging where the task logs, and switches that are off.
fn settings<'s>(texts: impl IntoIterator<Item = (&'s str, Option<String>)>, switches: &[(&'s str, bool)]) -> Value {
    let said = |(name, text): &(&str, Option<String>)| {
        text.as_deref().is_some_and(|text| !text.is_empty() && (*name, text) != ("logging", "DEFAULT"))
    };
    let texts = texts.into_iter().filter(said).filter_map(|(name, text)| Some((name, Value::Text(text?))));
    let switches = switches.iter().filter(|(_, on)| *on).map(|(name, on)| (*name, Value::Bool(*on)));
    Value::map(texts.chain(switches))
}

fn exec_wish(exec: &ExecuteCommand, cx: &Desire<'_>) -> Value {
    settings(
        [
            ("logging", exec.logging.map(|logging| logging.api().to_owned())),
            ("kms_key", exec.kms_key.clone()),
            ("log_group", exec.log_group.as_ref().map(|group| cx.name_of("log_groups", group))),
            ("s3_bucket", exec.s3_bucket.clone()),
            ("s3_prefix", exec.s3_prefix.clone()),
        ],
        &[
            ("log_encryption", exec.log_encryption.unwrap_or_default()),
            ("s3_encryption", exec.s3_encryption.unwrap_or_default()),
        ],
    )
}

fn exec_live(exec: &ExecuteCommandConfiguration) -> Value {
    let log = exec.log_configuration();
    settings(
        [
            ("logging", exec.logging().map(|logging| logging.as_str().to_owned())),
            ("kms_key", exec.kms_key_id().map(str::to_owned)),
            ("log_group", log.and_then(|log| log.cloud_watch_log_group_name()).map(str::to_owned)),
            ("s3_bucket", log.and_then(|log| log.s3_bucket_name()).map(str::to_owned)),
            ("s3_prefix", log.and_then(|log| log.s3_key_prefix()).map(str::to_owned)),
        ],
        &[
            ("log_encryption", log.is_some_and(|log| log.cloud_watch_encryption_enabled())),
            ("s3_encryption", log.is_some_and(|log| log.s3_encryption_enabled())),
        ],
    )
}

/// The request for the normal form; nothing said means the default.
fn exec_request(exec: Option<&Value>) -> ExecuteCommandConfiguration {
    let text = |name: &str| exec.and_then(|exec| exec.get(name)).and_then(Value::as_text).map(str::to_owned);
    let on = |name: &str| exec.and_then(|exec| exec.get(name)).and_then(Value::as_bool).unwrap_or_default();
    let logging = text("logging").map_or(ExecuteCommandLogging::Default, |logging| logging.as_str().into());
    let log = (logging == ExecuteCommandLogging::Override).then(|| {
        let (group, bucket) = (text("log_group"), text("s3_bucket"));
        ExecuteCommandLogConfiguration::builder()
            .cloud_watch_encryption_enabled(on("log_encryption"))
            .s3_encryption_enabled(on("s3_encryption"))
            .set_cloud_watch_log_group_name(group)
            .set_s3_bucket_name(bucket)
            .set_s3_key_prefix(text("s3_prefix"))
            .build()
    });
    ExecuteCommandConfiguration::builder()
        .logging(logging)
        .set_kms_key_id(text("kms_key"))
        .set_log_configuration(log)
        .build()
}

fn storage(kms_key: Option<&str>, fargate: Option<&str>) -> Value {
    settings([("kms_key", kms_key.map(str::to_owned)), ("fargate_ephemeral_kms_key", fargate.map(str::to_owned))], &[])
}

fn storage_wish(storage_keys: &ManagedStorage) -> Value {
    storage(storage_keys.kms_key.as_deref(), storage_keys.fargate_ephemeral_kms_key.as_deref())
}

fn configuration(exec: Option<&Value>, storage: Option<&Value>) -> Option<ClusterConfiguration> {
    if exec.is_none() && storage.is_none() {
        return None;
    }
    let storage = storage.map(|storage| {
        let key = |name| storage.get(name).and_then(Value::as_text).map(str::to_owned);
        ManagedStorageConfiguration::builder()
            .set_kms_key_id(key("kms_key"))
            .set_fargate_ephemeral_storage_kms_key_id(key("fargate_ephemeral_kms_key"))
            .build()
    });
    let exec = exec.map(|exec| exec_request(Some(exec)));
    Some(
        ClusterConfiguration::builder()
            .set_execute_command_configuration(exec)
            .set_managed_storage_configuration(storage)
            .build(),
    )
}

fn insights(want: &Resolved) -> Option<Vec<ClusterSetting>> {
    let value = want.text("container_insights")?;
    Some(vec![ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()])
}

fn namespace(arn: &str) -> Result<ClusterServiceConnectDefaultsRequest, CloudError> {
    ClusterServiceConnectDefaultsRequest::builder()
        .namespace(arn)
        .build()
        .map_err(|error| CloudError::new(Class::Invalid, UPDATE_CLUSTER.name, error.to_string()))
}

fn strategy_request(want: &Resolved) -> Result<Vec<CapacityProviderStrategyItem>, CloudError> {
    let Some(shares) = want.fields.get("default_capacity").and_then(Value::as_map) else { return Ok(Vec::new()) };
    let item = |(provider, share): (&String, &Value)| {
        let number =
            |name| share.get(name).and_then(Value::as_int).and_then(|n| i32::try_from(n).ok()).unwrap_or_default();
        CapacityProviderStrategyItem::builder()
            .capacity_provider(provider)
            .weight(number("weight"))
            .base(number("base"))
            .build()
    };
    let items: Result<_, _> = shares.iter().map(item).collect();
    items.map_err(|error| CloudError::new(Class::Invalid, PUT_CLUSTER_CAPACITY_PROVIDERS.name, error.to_string()))
}

fn tag_list(tags: impl IntoIterator<Item = (String, String)>) -> Option<Vec<Tag>> {
    let tags: Vec<Tag> = tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    // Older servers refuse an empty list.
    (!tags.is_empty()).then_some(tags)
}

impl Cluster {
    /// The normal form of what a read returned; nothing for the remains of a deleted cluster.
    fn live(cluster: &ApiCluster, facts: &Facts) -> Option<Sighting> {
        let name = cluster.cluster_name().unwrap_or_default();
        let mut live = Sighting::new(&INFO, arn(name, facts), name);
        live.readiness = match cluster.status() {
            Some("INACTIVE") => return None,
            Some("PROVISIONING") => Readiness::Settling("its capacity providers are being set up".into()),
            Some("DEPROVISIONING") => Readiness::Deleting("its capacity providers are being taken down".into()),
            // FAILED: the capacity providers could not be set up, which a change of them repairs.
            _ => Readiness::Ready,
        };
        live.outputs.extend(outputs(name, facts));
        live.fields.insert("capacity_providers".into(), Value::set(cluster.capacity_providers().to_vec()));
        let shares = cluster.default_capacity_provider_strategy().iter();
        let shares = strategy(shares.map(|s| (s.capacity_provider(), i64::from(s.weight()), i64::from(s.base()))));
        live.fields.insert("default_capacity".into(), shares);
        let insights = cluster.settings().iter().find(|s| s.name() == Some(&ClusterSettingName::ContainerInsights));
        if let Some(value) = insights.and_then(ClusterSetting::value) {
            live.fields.insert("container_insights".into(), value.into());
        }
        if let Some(exec) = cluster.configuration().and_then(|c| c.execute_command_configuration()) {
            let exec = exec_live(exec);
            if let Some(group) = exec.get("log_group").and_then(Value::as_text) {
                live.uses.push(facts.arn("logs", format_args!("log-group:{group}")));
            }
            live.fields.insert("execute_command".into(), exec);
        }
        if let Some(keys) = cluster.configuration().and_then(|c| c.managed_storage_configuration()) {
            let keys = storage(keys.kms_key_id(), keys.fargate_ephemeral_storage_kms_key_id());
            live.fields.insert("managed_storage".into(), keys);
        }
        let namespace = cluster.service_connect_defaults().and_then(|defaults| defaults.namespace());
        if let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) {
            live.fields.insert("service_connect_namespace".into(), namespace.into());
        }
        live.set_tags(tags::from(cluster.tags(), |tag| (tag.key(), tag.value())));
        Some(live)
    }

    /// Those of the named clusters that exist.
    async fn describe(aws: &Aws, names: &[String]) -> Result<Vec<Sighting>, CloudError> {
        let chunks = names.chunks(BATCH).map(|chunk| {
            let call = aws
                .ecs()
                .describe_clusters()
                .set_clusters(Some(chunk.to_vec()))
                .include(ClusterField::Configurations)
                .include(ClusterField::Settings)
                .include(ClusterField::Tags);
            async move { call.send().await.map_err(failed(&DESCRIBE_CLUSTERS)) }
        });
        let answers = try_join_all(chunks).await?;
        let failures = answers.iter().flat_map(|answer| answer.failures());
        if let Some(failure) = failures.into_iter().find(|failure| failure.reason() != Some("MISSING")) {
            let arn = failure.arn().unwrap_or("a cluster");
            let reason = failure.reason().unwrap_or("no reason given");
            return Err(CloudError::new(Class::Other, DESCRIBE_CLUSTERS.name, format!("{arn}: {reason}")));
        }
        Ok(answers.iter().flat_map(|answer| answer.clusters()).filter_map(|c| Self::live(c, aws.facts())).collect())
    }

    async fn read(cx: &Survey<'_>) -> Result<Vec<Sighting>, CloudError> {
        let names: Vec<String> = cx.wanted(INFO.name).iter().map(|want| want.name.clone()).collect();
        let (marked, found) = futures::join!(cx.marked_names("ecs", ":cluster/"), Self::describe(cx.aws, &names));
        let mut found = found?;
        let orphans: Vec<String> = marked?.into_iter().filter(|name| !names.contains(name)).collect();
        found.extend(Self::describe(cx.aws, &orphans).await?);
        Ok(found)
    }

    /// The services that keep a cluster from being deleted, in words. Best effort: it only makes an error clearer.
    async fn services(aws: &Aws, name: &str) -> Option<String> {
        let answer = aws.ecs().list_services().cluster(name).max_results(10).send().await;
        let answer = answer.map_err(failed(&LIST_SERVICES)).ok()?;
        let names: Vec<&str> = answer.service_arns().iter().filter_map(|arn| arn.rsplit('/').next()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

#[async_trait]
impl Driver for Cluster {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("ecs:cluster")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.clusters.get(key)?;
        let providers = (!spec.capacity_providers.is_empty()).then(|| Value::set(spec.capacity_providers.clone()));
        let mut wish = cx
            .wish(&INFO, key, spec)
            .set("capacity_providers", providers)
            .set("default_capacity", strategy_wish(&spec.default_capacity))
            .set("container_insights", spec.container_insights.map(|insights| insights.api()))
            .set("execute_command", spec.execute_command.as_ref().map(|exec| exec_wish(exec, cx)))
            .set("service_connect_namespace", spec.service_connect_namespace.as_deref())
            .set("managed_storage", spec.managed_storage.as_ref().map(storage_wish))
            // The first cluster of an account fails while ECS is still creating this role on its own.
            .needs("service_linked_role", "ecs");
        if let Some(group) = spec.execute_command.as_ref().and_then(|exec| exec.log_group.as_ref()) {
            wish = wish.needs_ref("log_group", group);
        }
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        match Self::read(cx).await {
            Ok(seen) => Found { seen, ..Found::default() },
            Err(error) => Found::failure(cx.addresses(INFO.name), error),
        }
    }

    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        Self::describe(aws, std::slice::from_ref(&target.name)).await
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let defaults = want.text("service_connect_namespace").map(namespace).transpose()?;
        let providers = want.texts("capacity_providers");
        let shares = strategy_request(want)?;
        aws.ecs_write()
            .create_cluster()
            .cluster_name(&want.name)
            .set_capacity_providers((!providers.is_empty()).then_some(providers))
            .set_default_capacity_provider_strategy((!shares.is_empty()).then_some(shares))
            .set_settings(insights(want))
            .set_configuration(configuration(want.fields.get("execute_command"), want.fields.get("managed_storage")))
            .set_service_connect_defaults(defaults)
            .set_tags(tag_list(want.tags()))
            .send()
            .await
            .map_err(failed(&CREATE_CLUSTER))?;
        Ok(Receipt { id: Some(arn(&want.name, aws.facts())), outputs: outputs(&want.name, aws.facts()) })
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        let ecs = aws.ecs_write();
        match group {
            CAPACITY => {
                // Replaces everything: what is not listed is gone.
                let call = ecs
                    .put_cluster_capacity_providers()
                    .cluster(&want.name)
                    .set_capacity_providers(Some(want.texts("capacity_providers")))
                    .set_default_capacity_provider_strategy(Some(strategy_request(want)?));
                call.send().await.map_err(failed(&PUT_CLUSTER_CAPACITY_PROVIDERS))?;
            }
            UPDATE => {
                let differs = |field: &str| want.fields.get(field) != live.fields.get(field);
                let mut call = ecs.update_cluster().cluster(&want.name);
                if differs("container_insights") {
                    call = call.set_settings(insights(want));
                }
                if differs("execute_command") || differs("managed_storage") {
                    let nothing = Value::Map(Default::default());
                    let exec = want.fields.get("execute_command").unwrap_or(&nothing);
                    let storage = want.fields.get("managed_storage").or(live.fields.get("managed_storage"));
                    call = call.set_configuration(configuration(Some(exec), storage));
                }
                if differs("service_connect_namespace") {
                    // An empty name takes the namespace away.
                    call = call.service_connect_defaults(namespace(
                        want.text("service_connect_namespace").unwrap_or_default(),
                    )?);
                }
                call.send().await.map_err(failed(&UPDATE_CLUSTER))?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if let Some(set) = tag_list(change.set) {
                    let call = ecs.tag_resource().resource_arn(&live.id).set_tags(Some(set));
                    call.send().await.map_err(failed(&TAG_RESOURCE))?;
                }
                if !change.remove.is_empty() {
                    self.untag(aws, live, change.remove).await?;
                }
            }
            other => return Err(crate::driver::no_such_group(&INFO, other)),
        }
        Ok(Receipt::default())
    }

    async fn delete(&self, aws: &Aws, live: &Sighting, _: bool) -> Result<(), CloudError> {
        let call = aws.ecs_write().delete_cluster().cluster(&live.name);
        let Err(mut error) = gone_is_fine(call.send().await.map_err(failed(&DELETE_CLUSTER))) else {
            return Ok(());
        };
        if error.code.as_deref() == Some("ClusterContainsServicesException")
            && let Some(services) = Self::services(aws, &live.name).await
        {
            error.message.push_str(&format!("; it still has: {services}"));
        }
        Err(error)
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws.ecs_write().untag_resource().resource_arn(&live.id).set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_RESOURCE)))
    }
}

#[cfg(test)]
mod tests;
