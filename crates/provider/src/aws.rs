//! The session with AWS: credentials, region, endpoint, one HTTP client, and the service clients.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::Credentials;
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_model::facts::Facts;
use hatoba_model::names;

use crate::classify::failed;
use crate::http;
use crate::pace::{Pace, Watch};
use crate::permissions::call::calls;
use crate::provenance::Stamp;
use crate::said::Said;
use crate::server_clock::ServerClock;

calls! {
    // Whoever has credentials may ask whose they are, even if a policy denies it.
    GET_CALLER_IDENTITY: Plan "sts:GetCallerIdentity";
}

/// How to reach AWS; everything that is unset follows the standard environment, profiles and metadata.
#[derive(Clone, Default)]
pub struct Settings {
    /// A profile of `~/.aws/config`.
    pub profile: Option<String>,
    /// An endpoint for all services, such as an emulator.
    pub endpoint_url: Option<String>,
    /// An access key and its secret, instead of the standard chain.
    pub keys: Option<(String, String)>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("profile", &self.profile)
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

/// A client for reads, which the SDK retries, and one for writes, which it does not: a write is retried
/// by the engine alone, which looks first.
#[derive(Debug)]
struct Pair<C> {
    read: OnceLock<C>,
    write: OnceLock<C>,
}

impl<C> Default for Pair<C> {
    fn default() -> Self {
        Self { read: OnceLock::new(), write: OnceLock::new() }
    }
}

/// A session.
#[derive(Debug)]
pub struct Aws {
    read: SdkConfig,
    write: SdkConfig,
    facts: Facts,
    pace: Arc<Pace>,
    clock: Arc<ServerClock>,
    stamp: OnceLock<Stamp>,
    ec2: Pair<aws_sdk_ec2::Client>,
    ecr: Pair<aws_sdk_ecr::Client>,
    ecs: Pair<aws_sdk_ecs::Client>,
    iam: Pair<aws_sdk_iam::Client>,
    logs: Pair<aws_sdk_cloudwatchlogs::Client>,
    scaling: Pair<aws_sdk_applicationautoscaling::Client>,
    secrets: Pair<aws_sdk_secretsmanager::Client>,
    ssm: Pair<aws_sdk_ssm::Client>,
    tagging: Pair<aws_sdk_resourcegroupstagging::Client>,
}

/// How long one write may take. Nobody knows what became of one that was given up, so it is given long.
const WRITE: Duration = Duration::from_secs(60);
/// How long one attempt of a read may take.
const READ: Duration = Duration::from_secs(30);
/// How long a read may take with all its attempts and the rests between them.
const READS: Duration = Duration::from_secs(120);
/// How long one attempt of the first call may take.
const ASK: Duration = Duration::from_secs(10);

fn limits(attempt: Duration, whole: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(attempt)
        .operation_timeout(whole)
        .build()
}

/// Says which profile the credentials were looked for in.
fn named(mut error: CloudError, profile: Option<&str>) -> CloudError {
    // Keys in the environment win over a profile that is named there.
    let named = || std::env::var("AWS_PROFILE").ok().filter(|_| std::env::var_os("AWS_ACCESS_KEY_ID").is_none());
    let profile = profile.map(str::to_owned).or_else(named);
    if let (Class::Credentials, Some(profile)) = (error.class, profile) {
        error.message.push_str(&format!(" (profile `{profile}`)"));
    }
    error
}

macro_rules! clients {
    (@new $sdk:ident, $aws:ident, $config:ident) => {{
        let config = $sdk::config::Builder::from(&$aws.$config).interceptor(Watch(Arc::clone(&$aws.pace))).interceptor(Said);
        $sdk::Client::from_conf(config.build())
    }};
    ($($service:ident, $write:ident: $sdk:ident;)*) => {
        impl Aws {
            $(
                /// The client for reads.
                pub fn $service(&self) -> &$sdk::Client {
                    self.$service.read.get_or_init(|| clients!(@new $sdk, self, read))
                }

                /// The client for writes.
                pub fn $write(&self) -> &$sdk::Client {
                    self.$service.write.get_or_init(|| clients!(@new $sdk, self, write))
                }
            )*
        }
    };
}

clients! {
    ec2, ec2_write: aws_sdk_ec2;
    ecr, ecr_write: aws_sdk_ecr;
    ecs, ecs_write: aws_sdk_ecs;
    iam, iam_write: aws_sdk_iam;
    logs, logs_write: aws_sdk_cloudwatchlogs;
    scaling, scaling_write: aws_sdk_applicationautoscaling;
    secrets, secrets_write: aws_sdk_secretsmanager;
    ssm, ssm_write: aws_sdk_ssm;
    tagging, tagging_write: aws_sdk_resourcegroupstagging;
}

/// The SDK takes an empty endpoint for one, and panics when it is used.
fn no_empty_endpoint(settings: &Settings) -> Result<(), CloudError> {
    let is_endpoint = |name: &str| name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_");
    let empty = std::env::vars_os().find(|(name, value)| value.is_empty() && name.to_str().is_some_and(is_endpoint));
    let what = match (&settings.endpoint_url, empty) {
        (Some(given), _) if given.is_empty() => "the endpoint URL that was given".to_owned(),
        (_, Some((name, _))) => format!("{} in the environment", name.to_string_lossy()),
        _ => return Ok(()),
    };
    let message = format!("{what} is empty: leave it out, or give it a URL");
    Err(CloudError::new(Class::NotSent, GET_CALLER_IDENTITY.name, message))
}

impl Aws {
    /// Opens a session in a region and asks AWS whose credentials these are. No other call is made.
    ///
    /// # Errors
    /// When there are no valid credentials, or AWS cannot be reached.
    pub async fn connect(settings: &Settings, region: names::Region) -> Result<Self, CloudError> {
        no_empty_endpoint(settings)?;
        let (pace, clock) = (Arc::new(Pace::default()), Arc::new(ServerClock::default()));
        let (client, place) = (http::client(Arc::clone(&pace), Arc::clone(&clock)), Region::new(region.to_string()));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client.clone())
            .region(place.clone())
            // A request that is kept back for its turn is no stalled upload. The time limits hold all the same.
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().upload_enabled(false).build())
            .timeout_config(limits(WRITE, WRITE));
        if let Some(profile) = &settings.profile {
            // The usual order has the environment first, also where a profile was asked for by name: keys that happen to be there would
            // lead into another account.
            let with = ProviderConfig::default().with_http_client(client).with_region(Some(place));
            let credentials = ProfileFileCredentialsProvider::builder().configure(&with).profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(credentials);
        }
        if let Some(endpoint) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((key, secret)) = &settings.keys {
            loader = loader.credentials_provider(Credentials::new(key, secret, None, None, "settings"));
        }
        let config = loader.load().await;
        // Where half of all answers are lost or throttles, one read in a thousand still fails with so many.
        let retries = RetryConfig::standard().with_max_attempts(10);
        let read = config.to_builder().retry_config(retries).timeout_config(limits(READ, READS)).build();
        let write = config.into_builder().retry_config(RetryConfig::disabled()).build();
        // The first call of all: whoever has no network should not wait long to hear of it.
        let retries = RetryConfig::standard().with_max_attempts(2);
        let ask = read.to_builder().retry_config(retries).timeout_config(limits(ASK, 2 * ASK)).build();
        let ask = aws_sdk_sts::config::Builder::from(&ask).interceptor(Said).build();
        let identity = aws_sdk_sts::Client::from_conf(ask)
            .get_caller_identity()
            .send()
            .await
            .map_err(failed(&GET_CALLER_IDENTITY))
            .map_err(|error| named(error, settings.profile.as_deref()))?;
        let account = identity.account().unwrap_or_default();
        let account = account.parse().map_err(|_| {
            CloudError::new(Class::Other, "sts:GetCallerIdentity", format!("AWS named the account `{account}`"))
        })?;
        Ok(Self {
            read,
            write,
            facts: Facts { account, region },
            pace,
            clock,
            stamp: OnceLock::new(),
            ec2: Pair::default(),
            ecr: Pair::default(),
            ecs: Pair::default(),
            iam: Pair::default(),
            logs: Pair::default(),
            scaling: Pair::default(),
            secrets: Pair::default(),
            ssm: Pair::default(),
            tagging: Pair::default(),
        })
    }

    /// By how many seconds the clock of AWS is ahead of that of this machine, negative when it is behind; told from the last answer,
    /// exact to a second or two.
    pub fn clock_ahead(&self) -> Option<i64> {
        self.clock.ahead()
    }

    /// Says what revisions that are registered from now on say of where their images come from. Only the first word counts.
    pub fn stamp_with(&self, stamp: Stamp) {
        let _ = self.stamp.set(stamp);
    }

    /// What was said so.
    pub(crate) fn stamp(&self) -> Option<&Stamp> {
        self.stamp.get()
    }

    /// Account and region of the session.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}
