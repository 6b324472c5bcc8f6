//! CloudWatch log groups.

use super::macros::{Common, Resource};
use crate::check::Check;
use crate::facts::Facts;

/// How long events may be kept, in days (CloudWatch Logs API, `PutRetentionPolicy`).
pub const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

resource! {
    /// A CloudWatch log group; its key is its name.
    pub struct LogGroup {
        /// How many days events are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192,
        /// 2557, 2922, 3288 or 3653. Without it they are kept, and paid for, for ever.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub retention_days: Option<u32>,
        /// `standard` (the default), `infrequent_access` (cheaper, fewer features) or `delivery`. Cannot be changed later.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub class: Option<LogGroupClass>,
        /// The ARN of a KMS key that encrypts the events. Without it CloudWatch's own key does.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub kms_key: Option<String>,
        /// Refuse to delete the group until this is switched off.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deletion_protection: Option<bool>,
    }
}

/// The class of a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogGroupClass {
    /// All features.
    Standard,
    /// Half the price of ingestion, without metric filters and live tail.
    InfrequentAccess,
    /// Only passes events on; they are kept for one day.
    Delivery,
}

impl LogGroupClass {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::InfrequentAccess => "INFREQUENT_ACCESS",
            Self::Delivery => "DELIVERY",
        }
    }
}

impl Resource for LogGroup {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        cx.length("log group", &name, 1..=512);
        cx.characters("log group", &name, "letters, digits and `. - _ / #`", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '#')
        });
        if name.starts_with("aws/") {
            cx.error(&[], "name-reserved", "the name of a log group must not start with `aws/`")
                .help("`/aws/…` with a leading slash is allowed");
        }
        if let Some(days) = self.retention_days {
            if self.class == Some(LogGroupClass::Delivery) {
                cx.error(
                    &["retention_days"],
                    "retention-fixed",
                    "a log group of class `delivery` always keeps events for one day",
                )
                .help("remove `retention_days`");
            } else if !RETENTION_DAYS.contains(&days) {
                let nearest = cx.nearest_number(days, &RETENTION_DAYS);
                cx.error(
                    &["retention_days"],
                    "retention-value",
                    format!("CloudWatch Logs cannot keep events for {days} days"),
                )
                .help(format!("the nearest values it knows: {nearest}"));
            }
        }
        if let Some(key) = &self.kms_key {
            cx.kms_key(&["kms_key"], key);
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.arn("logs", format_args!("log-group:{name}"))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name"]
    }
}
