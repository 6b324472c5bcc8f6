//! ECS services. Source: ECS API reference.

mod api;
mod deployed;
mod normal;
pub(crate) mod power;
mod read;
mod scaling;
mod scaling_calls;
pub(crate) mod standing;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::{Readiness, Sighting};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::kinds::service::Service as Spec;
use hatoba_model::reference::Ref;
use hatoba_rollout::state::last;
use serde_json::{Value as Json, json};

use self::power::{Memory, Seen, TAG_DOWN, TAG_SCALING, Turn};
use self::scaling::Scaling;
use self::standing::Standing;
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine};
use crate::desire::{Desire, Wish};
use crate::driver::{Driver, no_such_group};
use crate::json::json_call;
use crate::kinds::task_definition::{calls, is_secret, join, json_tags, needs_of, strip_defaults};
use crate::permissions::call::{Call, Form, On, Subject, calls};
use crate::rollout;
use crate::shape::Like;
use crate::survey::{Found, Survey};
use crate::tags;

pub use api::starts_deployment;
pub use deployed::deployed;
pub use standing::{goes_back, goes_elsewhere};

/// ECS services.
#[derive(Debug)]
pub struct Service;

/// Stops and starts it; see `power.rs`.
const POWER: &str = "RegisterScalableTarget, UpdateService";

/// The calls that stop or start it: those of its scaling only where it has some, or is given an end.
fn power_calls(want: &Desired, live: &Sighting) -> Vec<&'static str> {
    let copies = want.fields.get("copies").and_then(Value::as_int);
    let turns = Seen::of(live).map(|seen| seen.turns(want.fields.get("running"), copies));
    let scales = turns.is_none_or(|turns| turns.iter().any(|turn| matches!(turn, Turn::Scale(_))));
    scales.then_some(SCALING).into_iter().chain([UPDATE]).collect()
}

const SCALING: &str = "RegisterScalableTarget";
const UPDATE: &str = "UpdateService";
const TAGS: &str = "TagResource";

calls! {
    // All services of the cluster are looked at, for those that bear the mark and are in the file no more.
    DESCRIBE_SERVICES: Plan "ecs:DescribeServices"
        => Form::Each(|s| On::arn(s.arn("ecs", format_args!("service/{}/*", cluster(s)))));
    LIST_SERVICES: Plan "ecs:ListServices"
        => Form::Each(|s| On::any().given("ArnEquals", "ecs:cluster", s.arn("ecs", format_args!("cluster/{}", cluster(s)))));
    CREATE_SERVICE: Apply "ecs:CreateService"
        => SERVICE,
        "ecs:TagResource" => SERVICE,
        "iam:PassRole" => VOLUME_ROLES;
    UPDATE_SERVICE: Apply "ecs:UpdateService" => SERVICE, "iam:PassRole" => VOLUME_ROLES;
    TAG_RESOURCE: Apply "ecs:TagResource" => SERVICE;
    UNTAG_RESOURCE: Change "ecs:UntagResource" => Form::Each(|s| service(s).when(s.untags()));
    DELETE_SERVICE: Destroy "ecs:DeleteService" => SERVICE;
}

const SERVICE: Form = Form::Each(service);
/// ECS itself attaches volumes, with a role that the service passes to it. The roles of tasks are passed when they are registered.
const VOLUME_ROLES: Form = Form::Each(|s| {
    let volumes = s.fields.get("volumes").and_then(Value::as_map).into_iter().flat_map(|volumes| volumes.values());
    let roles = volumes.filter_map(|volume| volume.get("role")?.as_text());
    On::arns(roles).given("StringEquals", "iam:PassedToService", "ecs.amazonaws.com")
});

pub(crate) fn cluster<'a>(s: &Subject<'a>) -> &'a str {
    s.scope.unwrap_or("default")
}

pub(crate) fn service(s: &Subject<'_>) -> On {
    On::arn(s.arn("ecs", format_args!("service/{}/{}", cluster(s), s.name)))
}

static INFO: KindInfo = KindInfo {
    name: "service",
    title: "service",
    create_call: "CreateService",
    delete_call: "DeleteService",
    fields: &[
        Field::replace("cluster"),
        // Not in files: what `hatoba down` and `hatoba up` change.
        Field::update("running", POWER).unmanaged(),
        Field::update("copies", POWER).unmanaged(),
        // What a service is created with whose predecessor was stopped.
        Field::update("remembered", POWER).unmanaged(),
        Field::update("schedule", SCALING).after_create(),
        Field::update("autoscaling", SCALING).after_create(),
        // Every deploy changes it.
        Field::update("task_definition", UPDATE).contested(),
        Field::update("desired_count", UPDATE).unmanaged(),
        Field::update("launch_type", UPDATE),
        Field::update("capacity", UPDATE),
        Field::update("platform_version", UPDATE).unmanaged(),
        Field::update("network", UPDATE),
        Field::update("minimum_percent", UPDATE).default(|| Value::Int(100)),
        Field::update("maximum_percent", UPDATE).default(|| Value::Int(200)),
        Field::update("circuit_breaker", UPDATE),
        Field::update("alarms", UPDATE),
        Field::update("load_balancers", UPDATE),
        Field::update("registries", UPDATE),
        Field::update("service_connect", UPDATE).sensitive(is_secret),
        Field::update("enable_exec", UPDATE).default(|| false.into()),
        // New services and old ones differ in what they have without being told.
        Field::update("az_rebalancing", UPDATE).unmanaged(),
        Field::update("health_check_grace_period", UPDATE).default(|| Value::Int(0)),
        Field::update("propagate_tags", UPDATE).default(|| "none".into()),
        Field::update("ecs_managed_tags", UPDATE).default(|| false.into()),
        Field::update("volumes", UPDATE),
        Field::update("extra", UPDATE).sensitive(is_secret),
        Field::update("tags", TAGS),
    ],
    // Application Auto Scaling first: while it keeps a service at nothing, its count cannot be changed for long.
    groups: &[Group::new(POWER).calls(power_calls), Group::new(SCALING), Group::new(UPDATE), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: true,
    parallel: 16,
};

fn rows() -> Vec<&'static str> {
    INFO.fields.iter().map(|field| field.name).collect()
}

/// The normal form of a service in an answer, and of what Application Auto Scaling has of it, where that was read; nothing for one that
/// is gone.
pub(crate) fn live(service: &Json, want: Option<&Fields>, scaling: Option<Scaling>) -> Option<Sighting> {
    let text = |key: &str| service.get(key).and_then(Json::as_str).unwrap_or_default();
    let status = text("status");
    if status == "INACTIVE" {
        return None;
    }
    let arn = text("serviceArn");
    let mut live = Sighting::new(&INFO, arn, text("serviceName"));
    let cluster = last(text("clusterArn"));
    live.scope = Some(cluster.to_owned());
    live.outputs.insert("arn".into(), arn.into());
    live.outputs.insert("name".into(), text("serviceName").into());
    let hint = want.map(|want| Value::Map(join(want)));
    live.fields = normal::normalise(service, &rows(), Like::Wanted(hint.as_ref()));
    live.fields.insert("cluster".into(), cluster.into());
    live.fields.insert("task_definition".into(), task_definition(text("taskDefinition"), want));
    live.notes.extend(want.and_then(wanted_family).map(|family| (FAMILY.to_owned(), family.to_owned())));
    let seen = seen(service, scaling);
    let tags = json_tags(service.get("tags")).into_iter();
    // These go with what they tell of, and not with the other tags.
    live.set_tags(tags.filter(|(key, _)| key != TAG_SCALING && key != TAG_DOWN).collect());
    show(&mut live, &seen, want);
    deployed::note(&mut live, service);
    Standing::read(service).into_iter().for_each(|standing| standing.note(&mut live));
    if let (true, Some(tasks)) = (seen.is_down() && live.fields.get("running") == Some(&false.into()), still(service)) {
        live.readiness = Readiness::Settling(format!("stopping, {tasks} still running"));
    }
    if status == "DRAINING" {
        let tasks = service.get("runningCount").and_then(Json::as_i64).unwrap_or_default();
        let tasks = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
        live.readiness = Readiness::Deleting(format!("draining, {tasks} still running"));
    }
    live.ends.extend(still(service).map(|tasks| format!("stops {tasks}")));
    live.ends.extend(seen.owns_target().then(|| "its schedule and its autoscaling go with it".to_owned()));
    live.uses.extend([text("clusterArn").to_owned(), text("taskDefinition").to_owned()]);
    // Tasks of an older revision keep its roles busy: all revisions of the family stay until the service is gone.
    live.uses.extend(text("taskDefinition").rsplit_once(':').map(|(family, _)| family.to_owned()));
    live.uses.extend(
        live.fields
            .get("network")
            .and_then(|network| network.get("security_groups"))
            .map(Value::list_texts)
            .unwrap_or_default(),
    );
    for volume in live.fields.get("volumes").and_then(Value::as_map).into_iter().flat_map(|volumes| volumes.values()) {
        live.uses.extend(volume.get("role").and_then(Value::as_text).map(str::to_owned));
    }
    for balancer in live.fields.get("load_balancers").map(Value::items).unwrap_or_default() {
        live.uses.extend(balancer.get("target_group").and_then(Value::as_text).map(str::to_owned));
    }
    Some(live)
}

/// The output of the call that creates or changes a service: the id of the deployment that was asked for last.
pub(crate) const DEPLOYMENT: &str = "deployment";

/// The deployment that was asked for last.
fn primary(service: &Json) -> Option<&Json> {
    let mut deployments = service.get("deployments")?.as_array()?.iter();
    deployments.find(|it| it.get("status").and_then(Json::as_str) == Some("PRIMARY"))
}

/// The deployment that the answer to a call has started.
fn deployment(answer: &Json) -> Option<(String, Value)> {
    let primary = primary(answer.get("service")?)?;
    Some((DEPLOYMENT.to_owned(), Value::text(primary.get("id")?.as_str()?)))
}

/// What the tags of a service tell, with what was read at Application Auto Scaling.
fn seen(service: &Json, scaling: Option<Scaling>) -> Seen {
    let tags = json_tags(service.get("tags"));
    Seen {
        mark: tags.get(TAG_SCALING).cloned(),
        memory: tags.get(TAG_DOWN).map(|text| Memory::read(text)),
        desired: service.get("desiredCount").and_then(Json::as_i64).unwrap_or_default(),
        scaling,
    }
}

/// How many tasks there still are, in words; nothing for none.
fn still(service: &Json) -> Option<String> {
    let count = |key: &str| service.get(key).and_then(Json::as_i64).unwrap_or_default();
    match count("runningCount") + count("pendingCount") {
        0 => None,
        1 => Some("1 task".to_owned()),
        tasks => Some(format!("{tasks} tasks")),
    }
}

/// Puts what was seen of schedule, load and power into a sighting.
fn show(live: &mut Sighting, seen: &Seen, want: Option<&Fields>) {
    if let Some(scaling) = &seen.scaling {
        live.fields.extend(scaling::normal(scaling, seen.mark.as_deref(), seen.is_down()));
    }
    live.fields.insert("running".into(), seen.running());
    // Stopped on purpose is no drift: what the file says holds when it is started again. Where it says nothing, nothing is to be hidden.
    let wanted = want.and_then(|want| want.get("desired_count"));
    if let Some(Value::Int(count)) = wanted.filter(|_| seen.is_down() && !seen.is_up_for_a_while()) {
        live.fields.insert("desired_count".into(), Value::Int(*count));
    }
    live.remarks = seen.remarks();
    seen.note(live);
}

/// Under this name a sighting keeps the family that the file names without a revision.
const FAMILY: &str = "family";

/// The family that is wanted, where the file names it without a revision.
fn wanted_family(want: &Fields) -> Option<&str> {
    want.get("task_definition").and_then(Value::as_text).filter(|wanted| !wanted.contains(':'))
}

/// Where the file names a family without a revision, every revision of it will do.
fn task_definition(there: &str, want: Option<&Fields>) -> Value {
    let family = last(there).split(':').next().unwrap_or_default();
    match want.and_then(wanted_family) {
        Some(wanted) if wanted == family => wanted.into(),
        _ => there.into(),
    }
}

/// What is known of the wish in a look before a step: enough to say what runs in the words of the plan.
fn hint(target: &Target) -> Option<Fields> {
    Some([("task_definition".to_owned(), target.notes.get(FAMILY)?.as_str().into())].into())
}

#[async_trait]
impl Driver for Service {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        // What it starts is followed.
        [CALLS, scaling_calls::CALLS, rollout::calls::CALLS].concat()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("ecs:service")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.services.get(key)?;
        let mut fields = normal::normalise(&api::to_api(cx, spec), &rows(), Like::All);
        strip_defaults(&INFO, &mut fields, &json!(spec));
        if let Some(Value::Map(connect)) = fields.get_mut("service_connect") {
            // Unset it is the cluster's, which reads may name.
            connect.entry("namespace".into()).or_insert_with(|| Value::Keep(Box::new(Value::List(Vec::new()))));
        }
        if spec.platform_version.as_deref() == Some("LATEST") {
            // Reads name the version that it was at the time.
            fields.insert("platform_version".into(), Value::Keep(Box::new("LATEST".into())));
        }
        let mut wish = cx.wish(&INFO, key, spec);
        if let Some(cluster) = &spec.cluster {
            let name = cx.name_of("clusters", cluster);
            fields.insert("cluster".into(), name.as_str().into());
            wish = wish.scope(name).needs_ref("cluster", cluster);
        }
        if let Some(task) = &spec.task_definition {
            fields.insert("task_definition".into(), api::task_definition(cx, task));
            wish = needs_of_task(cx, spec, wish.needs_ref("task_definition", task));
        }
        let count = match spec.desired_count {
            // Application Auto Scaling decides; the file only says how many there are at first.
            _ if spec.is_scaled() => Value::Keep(Box::new(Value::from(scaling::first_count(spec)))),
            Some(count) => Value::Int(count.into()),
            None => Value::Keep(Box::new(Value::Int(1))),
        };
        fields.extend(scaling::wish(spec));
        fields.insert("desired_count".into(), count);
        if let Some(network) = &spec.network {
            fields.insert("network".into(), api::network(cx, network));
            for group in network
                .security_groups
                .iter()
                .filter_map(Ref::own)
                .filter(|key| cx.stack.security_groups.contains_key(*key))
            {
                wish = wish.needs("security_group", group);
            }
        }
        for role in spec.volumes.values().filter_map(|volume| volume.role.as_ref()) {
            wish = wish.needs_ref("role", role);
        }
        let mut wish = wish.done();
        wish.fields = fields;
        Some(wish)
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        read::survey(cx).await
    }

    /// Application Auto Scaling is not asked: a deploy need not be allowed to, and what a step puts there it can put twice.
    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let cluster = target.scope.as_deref().unwrap_or("default");
        let seen = read::describe(aws, cluster, &[target.name.as_str()]).await?;
        let hint = hint(target);
        let said = |service: &Json| {
            let mut seen = live(service, None, None)?;
            let there = service.get("taskDefinition").and_then(Json::as_str).unwrap_or_default();
            seen.fields.insert("task_definition".into(), task_definition(there, hint.as_ref()));
            Some(seen)
        };
        Ok(seen.iter().filter_map(said).collect())
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let answer = json_call!(&CREATE_SERVICE, aws.ecs_write().create_service(), &api::creation(want))?;
        let arn = answer.pointer("/service/serviceArn").and_then(Json::as_str).unwrap_or_default();
        let mut receipt = Receipt::arn(arn);
        receipt.outputs.push(("name".into(), Value::text(&want.name)));
        receipt.outputs.extend(deployment(&answer));
        Ok(receipt)
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        match group {
            POWER => {
                let Some(seen) = Seen::of(live) else { return Err(no_such_group(&INFO, group)) };
                for turn in &seen.turns(want.fields.get("running"), want.int("copies")) {
                    self.turn(aws, want, live, turn).await?;
                }
            }
            SCALING => self.scale(aws, want, live).await?,
            UPDATE => {
                let answer = json_call!(&UPDATE_SERVICE, aws.ecs_write().update_service(), &api::change(want, live))?;
                return Ok(Receipt { id: None, outputs: deployment(&answer).into_iter().collect() });
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if !change.set.is_empty() {
                    calls::tag(aws, &TAG_RESOURCE, &live.id, &change.set).await?;
                }
                if !change.remove.is_empty() {
                    calls::untag(aws, &UNTAG_RESOURCE, &live.id, change.remove).await?;
                }
            }
            other => return Err(no_such_group(&INFO, other)),
        }
        Ok(Receipt::default())
    }

    async fn delete(&self, aws: &Aws, live: &Sighting, _: bool) -> Result<(), CloudError> {
        let cluster = live.scope.as_deref().unwrap_or("default");
        if Seen::of(live).is_some_and(|seen| seen.owns_target()) {
            // Without its service a target stays, and would come back to life with another service of the name.
            let id = scaling_calls::id(cluster, &live.name);
            scaling_calls::carry_out(aws, &id, &scaling::Do::Deregister).await?;
        }
        // With `force` there is no need to bring the count to 0 first.
        let call = aws.ecs_write().delete_service().cluster(cluster).service(&live.name).force(true);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_SERVICE)))
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, mut keys: Vec<String>) -> Result<(), CloudError> {
        let seen = Seen::of(live).unwrap_or_default();
        keys.extend(seen.mark.is_some().then(|| TAG_SCALING.to_owned()));
        keys.extend(seen.is_down().then(|| TAG_DOWN.to_owned()));
        calls::untag(aws, &UNTAG_RESOURCE, &live.id, keys).await
    }
}

impl Service {
    /// Brings schedule and load to what is wanted. The tag that tells of the target is there before it, and goes after it.
    async fn scale(&self, aws: &Aws, want: &Resolved, live: &Sighting) -> Result<(), CloudError> {
        // What was just created has nothing yet but the tag.
        let seen = Seen::of(live);
        let (there, is_new) = (seen.clone().unwrap_or_default(), seen.is_none());
        let id = scaling_calls::id(want.scope.as_deref().unwrap_or("default"), &want.name);
        let wanted = scaling::wanted(&want.fields);
        let desired = if is_new { want.int("desired_count").unwrap_or_default() } else { there.desired };
        let held = if is_new { power::begins_stopped(want).is_some() } else { there.is_held() };
        let starts = wanted.as_ref().is_some_and(|(scaling, _)| scaling.actions.contains_key(scaling::START));
        let forgets = starts && there.is_up_for_a_while();
        let have = there.scaling.unwrap_or_default();
        let steps = scaling::steps(wanted.as_ref().map(|(scaling, _)| scaling), &have, held, desired);
        if let Some((_, mark)) = &wanted
            && !is_new
            && there.mark.as_ref() != Some(mark)
        {
            let tags = [(TAG_SCALING.to_owned(), mark.clone())].into();
            calls::tag(aws, &TAG_RESOURCE, &live.id, &tags).await?;
        }
        if forgets {
            // After its end the schedule starts it again: nothing is to hold it down then.
            self.turn(aws, want, live, &Turn::Forget).await?;
        }
        for step in &steps {
            scaling_calls::carry_out(aws, &id, step).await?;
        }
        if wanted.is_none() && there.mark.is_some() {
            calls::untag(aws, &UNTAG_RESOURCE, &live.id, vec![TAG_SCALING.to_owned()]).await?;
        }
        Ok(())
    }

    /// One call of a `down` or an `up`.
    async fn turn(&self, aws: &Aws, want: &Resolved, live: &Sighting, turn: &Turn) -> Result<(), CloudError> {
        let cluster = want.scope.as_deref().unwrap_or("default");
        match turn {
            Turn::Remember(memory) => {
                let tags = [(TAG_DOWN.to_owned(), memory.text())].into();
                calls::tag(aws, &TAG_RESOURCE, &live.id, &tags).await
            }
            Turn::Forget => calls::untag(aws, &UNTAG_RESOURCE, &live.id, vec![TAG_DOWN.to_owned()]).await,
            Turn::Count(count) => {
                let body = json!({ "cluster": cluster, "service": want.name, "desiredCount": count });
                json_call!(&UPDATE_SERVICE, aws.ecs_write().update_service(), &body).map(drop)
            }
            Turn::Scale(step) => scaling_calls::carry_out(aws, &scaling_calls::id(cluster, &want.name), step).await,
        }
    }
}

/// A service as it is, with everything that Application Auto Scaling has of it, whoever put it there; nothing where there is none.
///
/// # Errors
/// When a read failed.
pub async fn whole(aws: &Aws, want: &Desired) -> Result<Option<Sighting>, CloudError> {
    let cluster = want.scope.as_deref().unwrap_or("default");
    let ids = [scaling_calls::id(cluster, &want.name)];
    let names = [want.name.as_str()];
    let (seen, scaling) = futures::try_join!(read::describe(aws, cluster, &names), scaling_calls::read(aws, &ids))?;
    let scaling = scaling.into_values().next();
    Ok(seen.iter().find_map(|service| live(service, None, scaling.clone())))
}

/// Tasks start as soon as the service is there: what they need comes first.
fn needs_of_task(cx: &Desire<'_>, spec: &Spec, wish: Wish) -> Wish {
    let Some(task) = spec.own_task_definition().and_then(|key| cx.stack.task_definitions.get(key)) else { return wish };
    needs_of(cx, task, wish)
}
