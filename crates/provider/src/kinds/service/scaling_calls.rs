//! The calls to Application Auto Scaling. A scalable target has no name: it is that of its service.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTargetAction,
    ScalingPolicy as ApiPolicy, ScheduledAction as ApiAction, ServiceNamespace, SuspendedState,
    TargetTrackingScalingPolicyConfiguration,
};
use hatoba_engine::cloud::{Class, CloudError};

use super::scaling::{Action, Do, Policy, Scaling, Target};
use super::{cluster, service};
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine};
use crate::permissions::call::{Form, On, Subject, calls};

calls! {
    // Reads support no resource.
    DESCRIBE_SCALABLE_TARGETS: Compare "application-autoscaling:DescribeScalableTargets" => READ;
    DESCRIBE_SCHEDULED_ACTIONS: Compare "application-autoscaling:DescribeScheduledActions" => READ;
    DESCRIBE_SCALING_POLICIES: Compare "application-autoscaling:DescribeScalingPolicies" => READ;
    // The first target of the account brings its service-linked role along. Application Auto Scaling looks for the service, and
    // changes its count, as the caller.
    REGISTER_SCALABLE_TARGET: Apply "application-autoscaling:RegisterScalableTarget"
        => TARGET,
        "iam:CreateServiceLinkedRole" => LINKED_ROLE,
        "ecs:DescribeServices" => COUNT,
        "ecs:UpdateService" => COUNT;
    PUT_SCHEDULED_ACTION: Apply "application-autoscaling:PutScheduledAction"
        => Form::Each(|s| target(s).when(s.has("schedule")));
    DELETE_SCHEDULED_ACTION: Apply "application-autoscaling:DeleteScheduledAction" => TARGET;
    // A policy comes with alarms, which are made, and deleted, as the caller.
    PUT_SCALING_POLICY: Apply "application-autoscaling:PutScalingPolicy"
        => POLICY,
        "cloudwatch:DescribeAlarms" => ALARMS,
        "cloudwatch:PutMetricAlarm" => ALARMS;
    DELETE_SCALING_POLICY: Apply "application-autoscaling:DeleteScalingPolicy"
        => POLICY,
        "cloudwatch:DeleteAlarms" => ALARMS;
    DEREGISTER_SCALABLE_TARGET: Destroy "application-autoscaling:DeregisterScalableTarget"
        => TARGET,
        "cloudwatch:DeleteAlarms" => ALARMS;
}

const READ: Form = Form::Each(|s| On::any().when(is_scaled(s)));
/// The ids of scalable targets are AWS's to choose.
const TARGET: Form = Form::Each(target);
const COUNT: Form = Form::Each(|s| service(s).when(is_scaled(s)));
const POLICY: Form = Form::Each(|s| target(s).when(s.has("autoscaling")));
const ALARMS: Form = Form::Each(|s| {
    let name = format!("alarm:TargetTracking-service/{}/{}-*", cluster(s), s.name);
    On::arn(s.arn("cloudwatch", name)).when(s.has("autoscaling"))
});
const LINKED_ROLE: Form = Form::Each(|s| {
    let role = s.facts.iam_arn(format_args!("role/aws-service-role/{SERVICE}/*"));
    On::arn(role).given("StringEquals", "iam:AWSServiceName", SERVICE).when(is_scaled(s))
});

/// As which service Application Auto Scaling acts on ECS (its User Guide, "Service-linked roles").
const SERVICE: &str = "ecs.application-autoscaling.amazonaws.com";

/// How many targets are asked for at once.
const BATCH: usize = 50;

fn is_scaled(s: &Subject<'_>) -> bool {
    s.has("schedule") || s.has("autoscaling")
}

fn target(s: &Subject<'_>) -> On {
    On::arn(s.arn("application-autoscaling", "scalable-target/*")).when(is_scaled(s))
}

/// What the target of a service is called in requests.
pub(super) fn id(cluster: &str, name: &str) -> String {
    format!("service/{cluster}/{name}")
}

/// What there is of these services, by their ids. What is not there is an empty [`Scaling`].
pub(super) async fn read(aws: &Aws, ids: &[String]) -> Result<BTreeMap<String, Scaling>, CloudError> {
    let mut found: BTreeMap<String, Scaling> = ids.iter().map(|id| (id.clone(), Scaling::default())).collect();
    if ids.is_empty() {
        return Ok(found);
    }
    // Of one service what it has; of several the list of all, which takes no more calls.
    let only = match ids {
        [only] => Some(only.clone()),
        _ => None,
    };
    let (targets, actions, policies) =
        futures::try_join!(targets(aws, ids), actions(aws, only.clone()), policies(aws, only))?;
    for (id, target) in targets {
        if let Some(scaling) = found.get_mut(&id) {
            scaling.target = Some(target);
        }
    }
    for (id, name, action) in actions {
        if let Some(scaling) = found.get_mut(&id) {
            scaling.actions.insert(name, action);
        }
    }
    for (id, name, policy) in policies {
        if let Some(scaling) = found.get_mut(&id) {
            scaling.policies.insert(name, policy);
        }
    }
    Ok(found)
}

async fn targets(aws: &Aws, ids: &[String]) -> Result<Vec<(String, Target)>, CloudError> {
    let mut found = Vec::new();
    for some in ids.chunks(BATCH) {
        let query = aws.scaling().describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let query =
            query.set_resource_ids(Some(some.to_vec())).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&DESCRIBE_SCALABLE_TARGETS))?;
            found.extend(page.scalable_targets().iter().map(|target| {
                let suspended = target.suspended_state().and_then(|state| state.scheduled_scaling_suspended());
                let bounds = (target.min_capacity(), target.max_capacity());
                (target.resource_id().to_owned(), Target { bounds, suspended: suspended.unwrap_or_default() })
            }));
        }
    }
    Ok(found)
}

async fn actions(aws: &Aws, only: Option<String>) -> Result<Vec<(String, String, Action)>, CloudError> {
    let query = aws.scaling().describe_scheduled_actions().service_namespace(ServiceNamespace::Ecs);
    let dimension = only.as_ref().map(|_| ScalableDimension::EcsServiceDesiredCount);
    let mut pages = query.set_resource_id(only).set_scalable_dimension(dimension).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(&DESCRIBE_SCHEDULED_ACTIONS))?;
        found.extend(page.scheduled_actions().iter().map(|action| {
            (action.resource_id().to_owned(), action.scheduled_action_name().to_owned(), action_of(action))
        }));
    }
    Ok(found)
}

fn action_of(action: &ApiAction) -> Action {
    let bounds = action.scalable_target_action();
    Action {
        schedule: action.schedule().to_owned(),
        timezone: action.timezone().unwrap_or("UTC").to_owned(),
        bounds: (bounds.and_then(|to| to.min_capacity()), bounds.and_then(|to| to.max_capacity())),
        dated: action.start_time().is_some() || action.end_time().is_some(),
    }
}

async fn policies(aws: &Aws, only: Option<String>) -> Result<Vec<(String, String, Policy)>, CloudError> {
    let query = aws.scaling().describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
    let dimension = only.as_ref().map(|_| ScalableDimension::EcsServiceDesiredCount);
    let mut pages = query.set_resource_id(only).set_scalable_dimension(dimension).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(&DESCRIBE_SCALING_POLICIES))?;
        found.extend(
            page.scaling_policies()
                .iter()
                .map(|policy| (policy.resource_id().to_owned(), policy.policy_name().to_owned(), policy_of(policy))),
        );
    }
    Ok(found)
}

/// A policy of another sort is known by that, and by nothing else.
fn policy_of(policy: &ApiPolicy) -> Policy {
    let config = policy.target_tracking_scaling_policy_configuration();
    let metric = config.and_then(|config| config.predefined_metric_specification());
    Policy {
        metric: metric
            .map_or(policy.policy_type().as_str(), |metric| metric.predefined_metric_type().as_str())
            .to_owned(),
        label: metric.and_then(|metric| metric.resource_label()).map(str::to_owned),
        value: config.map(|config| config.target_value()).unwrap_or_default(),
        scale_in_cooldown: config.and_then(|config| config.scale_in_cooldown()),
        scale_out_cooldown: config.and_then(|config| config.scale_out_cooldown()),
        scale_in: !config.and_then(|config| config.disable_scale_in()).unwrap_or_default(),
    }
}

/// Makes one call.
pub(super) async fn carry_out(aws: &Aws, id: &str, step: &Do) -> Result<(), CloudError> {
    let (client, ecs, count) = (aws.scaling_write(), ServiceNamespace::Ecs, ScalableDimension::EcsServiceDesiredCount);
    match step {
        Do::Register { bounds, suspended } => {
            let state = SuspendedState::builder().scheduled_scaling_suspended(*suspended).build();
            let call = client
                .register_scalable_target()
                .service_namespace(ecs)
                .resource_id(id)
                .scalable_dimension(count)
                .min_capacity(bounds.0)
                .max_capacity(bounds.1)
                .suspended_state(state);
            call.send().await.map_err(failed(&REGISTER_SCALABLE_TARGET)).map(drop)
        }
        Do::Deregister => {
            let call =
                client.deregister_scalable_target().service_namespace(ecs).resource_id(id).scalable_dimension(count);
            gone_is_fine(call.send().await.map_err(failed(&DEREGISTER_SCALABLE_TARGET)))
        }
        Do::PutAction(name, action) => {
            let bounds = ScalableTargetAction::builder()
                .set_min_capacity(action.bounds.0)
                .set_max_capacity(action.bounds.1)
                .build();
            // What is left out keeps its value, but for the dates between which it happens: these are deleted.
            let call = client
                .put_scheduled_action()
                .service_namespace(ecs)
                .resource_id(id)
                .scalable_dimension(count)
                .scheduled_action_name(name)
                .schedule(&action.schedule)
                .timezone(&action.timezone)
                .scalable_target_action(bounds);
            call.send().await.map_err(failed(&PUT_SCHEDULED_ACTION)).map(drop)
        }
        Do::DeleteAction(name) => {
            let call = client.delete_scheduled_action().service_namespace(ecs).resource_id(id);
            let call = call.scalable_dimension(count).scheduled_action_name(name);
            gone_is_fine(call.send().await.map_err(failed(&DELETE_SCHEDULED_ACTION)))
        }
        Do::PutPolicy(name, policy) => {
            let config = configuration(policy)?;
            let call = client
                .put_scaling_policy()
                .service_namespace(ecs)
                .resource_id(id)
                .scalable_dimension(count)
                .policy_name(name)
                .policy_type(PolicyType::TargetTrackingScaling)
                .target_tracking_scaling_policy_configuration(config);
            call.send().await.map_err(failed(&PUT_SCALING_POLICY)).map(drop)
        }
        Do::DeletePolicy(name) => {
            let call = client.delete_scaling_policy().service_namespace(ecs).resource_id(id);
            let call = call.scalable_dimension(count).policy_name(name);
            gone_is_fine(call.send().await.map_err(failed(&DELETE_SCALING_POLICY)))
        }
    }
}

fn configuration(policy: &Policy) -> Result<TargetTrackingScalingPolicyConfiguration, CloudError> {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::from(policy.metric.as_str()))
        .set_resource_label(policy.label.clone())
        .build();
    let config = metric.and_then(|metric| {
        TargetTrackingScalingPolicyConfiguration::builder()
            .target_value(policy.value)
            .predefined_metric_specification(metric)
            .set_scale_in_cooldown(policy.scale_in_cooldown)
            .set_scale_out_cooldown(policy.scale_out_cooldown)
            .set_disable_scale_in((!policy.scale_in).then_some(true))
            .build()
    });
    config.map_err(|error| CloudError::new(Class::Invalid, PUT_SCALING_POLICY.name, error.to_string()))
}
