//! When a service runs, and how many copies of it. Source: Application Auto Scaling API reference.

use std::ops::RangeInclusive;

use super::Service;
use crate::schedule::{Expression, Zone, hours_per_week};

/// When a service runs. Outside of these hours nothing of it runs, and nothing is paid for running.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// When it is started: `cron(0 9 ? * MON-FRI *)`. Without this line somebody starts it with `hatoba up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Expression>,
    /// When it is stopped: `cron(0 18 ? * MON-FRI *)`. Without this line somebody stops it with `hatoba down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Expression>,
    /// The time zone of both, such as `Asia/Tokyo`; UTC unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
    /// How many copies are started: `desired_count` unless stated, and 1 if that is 0. Not together with `autoscaling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl Schedule {
    /// How many hours of a week, 0 to 168, the service runs. Nothing where this cannot be said: see
    /// [`hours_per_week`](crate::schedule::hours_per_week).
    pub fn hours_per_week(&self) -> Option<f64> {
        hours_per_week(self.start.as_ref(), self.stop.as_ref())
    }

    /// The time zone.
    pub fn zone(&self) -> Zone {
        self.timezone.unwrap_or_default()
    }
}

/// How many copies run, by how much there is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Autoscaling {
    /// How many run at least; 1 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// How many run at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The CPU usage to keep to, in percent of what the copies have, on their average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// The memory usage to keep to, in percent of what the copies have, on their average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// The requests that each copy gets of a load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// How many seconds pass after copies were taken away until more are; 300 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_in_cooldown: Option<u32>,
    /// How many seconds pass after copies were added until more are; 300 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_out_cooldown: Option<u32>,
    /// Whether copies are taken away, too, and not only added. Yes unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_in: Option<bool>,
}

/// The requests that each copy gets of an application load balancer, on their average.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// How many a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_copy: Option<u32>,
    /// The ARN of the application load balancer.
    pub load_balancer: String,
    /// The ARN of the target group; that of the service's load balancer if there is one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
}

impl Autoscaling {
    /// The fewest and the most copies.
    pub fn bounds(&self) -> RangeInclusive<u32> {
        let least = self.min.unwrap_or(1);
        least..=self.max.unwrap_or(least)
    }
}

impl Requests {
    /// How AWS names a target group behind a load balancer in a scaling policy:
    /// `app/LOAD_BALANCER/ID/targetgroup/TARGET_GROUP/ID` (API reference, `PredefinedMetricSpecification`, `ResourceLabel`).
    pub fn label(&self, service: &Service) -> Option<String> {
        let group = match (&self.target_group, service.load_balancers.as_slice()) {
            (Some(group), _) => group,
            (None, [only]) => &only.target_group,
            (None, _) => return None,
        };
        let balancer = self.load_balancer.split_once(":loadbalancer/")?.1;
        let group = group.rsplit(':').next().filter(|group| group.starts_with("targetgroup/"))?;
        balancer.starts_with("app/").then(|| format!("{balancer}/{group}"))
    }
}

impl Service {
    /// The fewest and the most copies that run while it is not stopped. Without any line about it one, at first.
    pub fn running(&self) -> RangeInclusive<u32> {
        if let Some(autoscaling) = &self.autoscaling {
            return autoscaling.bounds();
        }
        let count = match &self.schedule {
            Some(schedule) => schedule.count.or(self.desired_count.filter(|count| *count > 0)).unwrap_or(1),
            None => self.desired_count.unwrap_or(1),
        };
        count..=count
    }

    /// Whether Application Auto Scaling decides how many copies run.
    pub fn is_scaled(&self) -> bool {
        self.schedule.is_some() || self.autoscaling.is_some()
    }
}
