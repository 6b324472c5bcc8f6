//! `hatoba doctor` alone: whether the account is ready for the stack.

use hatoba_engine::cloud::CloudError;
use hatoba_model::github::{SubjectFormat, audience};
use hatoba_model::load::Loaded;
use hatoba_model::names::Region;
use hatoba_model::stack::Stack;
use hatoba_provider::aws::{Aws, Settings};
use hatoba_provider::doctor;
use serde_json::{Value, json};

use super::oidc::provider_host;
use super::presented::time;
use super::roles::of_file;
use crate::args::Global;
use crate::error::{Error, Kind, kind_of, way_out};
use crate::render::line::{Line, write_all};
use crate::render::{Tone, count as counted};
use crate::session;
use crate::ui::Ui;

/// How far the clocks may be apart, in seconds. AWS refuses what is signed five minutes off.
const CLOCK: (u64, u64) = (60, 240);

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Problem,
}

/// One line of the report.
#[derive(Debug, Clone)]
struct Check {
    name: &'static str,
    level: Level,
    text: String,
    help: Option<String>,
}

impl Check {
    fn new(name: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { name, level, text: text.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A read that failed says nothing about the account.
    fn unread(name: &'static str, error: &CloudError) -> Self {
        let check = Self::new(name, Level::Warning, format!("not looked at: {error}"));
        match way_out(error.class) {
            Some(help) => check.help(help),
            None => check,
        }
    }
}

/// Opens a session for a stack, and refuses every account but the file's.
///
/// # Errors
/// Without valid credentials, and in another account than the file's.
pub(crate) async fn connect(global: &Global, stack: &Stack, file: &str) -> Result<Aws, Error> {
    let settings = Settings { profile: global.profile.clone(), endpoint_url: global.endpoint_url.clone(), keys: None };
    let aws = Aws::connect(&settings, stack.region.clone()).await?;
    let account = &aws.facts().account;
    if let Some(wanted) = stack.account.as_ref().filter(|wanted| *wanted != account) {
        let message = format!("{file} is for the account {wanted}, but these credentials belong to {account}");
        return Err(Error::new(Kind::Refused, message)
            .help("choose other credentials (`--profile NAME`), or correct `account:` in the file"));
    }
    Ok(aws)
}

/// Looks at everything that a stack needs of an account.
pub(crate) async fn run(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let mut checks = Vec::new();
    let (loaded, region) = stack_file(global, ui, &mut checks)?;
    let settings = Settings { profile: global.profile.clone(), endpoint_url: global.endpoint_url.clone(), keys: None };
    let (mut code, mut account) = (0, None);
    match Aws::connect(&settings, region.clone()).await {
        Err(error) => {
            code = kind_of(error.class).exit_code();
            let check = Check::new("credentials", Level::Problem, error.to_string());
            checks.push(match way_out(error.class) {
                Some(help) => check.help(help),
                None => check,
            });
        }
        Ok(aws) => {
            let own = aws.facts().account.clone();
            let wanted = loaded.as_ref().and_then(|loaded| loaded.stack.account.as_ref());
            account = Some(own.to_string());
            match wanted.filter(|wanted| **wanted != own) {
                Some(wanted) => {
                    let text = format!("they belong to the account {own}, but the file is for {wanted}");
                    let help = "choose other credentials (`--profile NAME`), or correct `account:` in the file";
                    checks.push(Check::new("credentials", Level::Problem, text).help(help));
                    checks.push(clock(&aws));
                    code = Kind::Refused.exit_code();
                }
                None => {
                    checks.push(Check::new("credentials", Level::Ok, format!("account {own}")));
                    checks.extend(of_account(&aws, loaded.as_ref()).await);
                }
            }
        }
    }
    checks.extend(loaded.as_ref().and_then(|loaded| ids(&loaded.stack)));
    let bad = checks.iter().any(|check| check.level == Level::Problem);
    if ui.json {
        ui.document(&document(&checks, account.as_deref(), &region, !bad))?;
    } else {
        ui.data(&write_all(&lines(&checks), ui.out))?;
    }
    Ok(if code == 0 { u8::from(bad) } else { code })
}

/// The file, if there is one, and the region to look at.
fn stack_file(global: &Global, ui: &Ui, checks: &mut Vec<Check>) -> Result<(Option<Loaded>, Region), Error> {
    let name = global.file().display().to_string();
    if global.file().exists() {
        let loaded = session::read(global, ui)?.loaded;
        let warnings = loaded.warnings.len();
        let text = format!("{name}: stack {}, region {}", loaded.stack.stack, loaded.stack.region);
        checks.push(match warnings {
            0 => Check::new("file", Level::Ok, text),
            1 => Check::new("file", Level::Warning, format!("{text}; 1 warning")).help("`hatoba validate` shows it"),
            more => Check::new("file", Level::Warning, format!("{text}; {more} warnings"))
                .help("`hatoba validate` shows them"),
        });
        let region = loaded.stack.region.clone();
        return Ok((Some(loaded), region));
    }
    let variable = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
    let Some(region) = global.region.clone().or_else(variable) else {
        return Err(Error::new(
            Kind::Invalid,
            format!("there is no {name}, so it is not known which region to look at"),
        )
        .help("name the file with `-f FILE`, or the region with `--region REGION`"));
    };
    let region = region.parse().map_err(|error| Error::new(Kind::Invalid, format!("{error}")))?;
    checks.push(Check::new("file", Level::Warning, format!("there is no {name}")).help("name it with `-f FILE`"));
    Ok((None, region))
}

async fn of_account(aws: &Aws, loaded: Option<&Loaded>) -> Vec<Check> {
    let host = loaded.map_or_else(|| hatoba_model::github::PROVIDER_HOST.to_owned(), provider_host);
    let (region, provider, role, network, quotas) = tokio::join!(
        doctor::region_status(aws),
        doctor::provider_audiences(aws, &host),
        doctor::has_ecs_role(aws),
        doctor::default_network(aws),
        doctor::quotas(aws),
    );
    let mut checks = vec![clock(aws)];
    checks
        .push(region.map_or_else(|error| Check::unread("region", &error), |status| of_region(aws, status.as_deref())));
    checks.push(provider.map_or_else(
        |error| Check::unread("provider", &error),
        |audiences| of_provider(aws, loaded, &host, audiences.as_deref()),
    ));
    checks.push(role.map_or_else(
        |error| Check::unread("ecs role", &error),
        |there| {
            if there {
                Check::new("ecs role", Level::Ok, "the service-linked role of ECS is there")
            } else {
                Check::new(
                    "ecs role",
                    Level::Ok,
                    "ECS has no service-linked role yet; `hatoba apply` makes it before the first cluster",
                )
            }
        },
    ));
    checks.push(network.map_or_else(
        |error| Check::unread("network", &error),
        |network| match network {
            Some(network) => {
                let count = network.subnets.len();
                let subnets = counted(count, "subnet");
                Check::new("network", Level::Ok, format!("default VPC {} with {subnets}", network.vpc))
            }
            None => {
                let region = &aws.facts().region;
                let text = format!("the region {region} has no default VPC with subnets that Fargate can use");
                let uses = loaded.is_some_and(|loaded| uses_default_network(&loaded.stack));
                Check::new("network", if uses { Level::Problem } else { Level::Warning }, text).help(format!(
                "`aws ec2 create-default-vpc --region {region}` makes one, or name `vpc:` and `subnets:` in the file"
            ))
            }
        },
    ));
    match quotas {
        Err(error) => checks.push(Check::unread("quotas", &error)),
        Ok(quotas) => checks.push(of_quotas(&quotas)),
    }
    checks
}

fn uses_default_network(stack: &Stack) -> bool {
    !stack.services.is_empty() || !stack.security_groups.is_empty()
}

fn clock(aws: &Aws) -> Check {
    let Some(ahead) = aws.clock_ahead() else {
        return Check::new("clock", Level::Warning, "not looked at: the answers have no date");
    };
    let (apart, direction) = (ahead.unsigned_abs(), if ahead > 0 { "behind" } else { "ahead of" });
    let text = format!("the clock of this machine is {} {direction} that of AWS", time(apart));
    let help = "set the clock; AWS refuses what is signed five minutes off";
    if apart >= CLOCK.1 {
        Check::new("clock", Level::Problem, text).help(help)
    } else if apart >= CLOCK.0 {
        Check::new("clock", Level::Warning, text).help(help)
    } else {
        Check::new("clock", Level::Ok, "agrees with that of AWS")
    }
}

fn of_region(aws: &Aws, status: Option<&str>) -> Check {
    let region = &aws.facts().region;
    match status {
        Some("not-opted-in") => {
            Check::new("region", Level::Problem, format!("{region} is not enabled in this account"))
                .help(format!("`aws account enable-region --region-name {region}` enables it; that takes some minutes"))
        }
        Some(_) => Check::new("region", Level::Ok, format!("{region} can be used")),
        None => Check::new("region", Level::Warning, format!("EC2 does not list {region}")),
    }
}

fn of_provider(aws: &Aws, loaded: Option<&Loaded>, host: &str, audiences: Option<&[String]>) -> Check {
    let wanted = audience(aws.facts().partition());
    let trusted = loaded.is_some_and(|loaded| !of_file(loaded, None).0.is_empty());
    let made = loaded.is_some_and(|loaded| !loaded.stack.oidc_providers.is_empty());
    let Some(audiences) = audiences else {
        let text = format!("the account has no identity provider for {host}");
        return if made {
            Check::new("provider", Level::Ok, format!("{text} yet; `hatoba apply` makes it"))
        } else if trusted {
            let help = "without it every token is refused with InvalidIdentityToken: add `oidc_providers: { github: { url: https://token.actions.githubusercontent.com, client_ids: [sts.amazonaws.com] } }` to the file";
            Check::new("provider", Level::Problem, text).help(help)
        } else {
            Check::new("provider", Level::Ok, format!("{text}, and no role of the file needs it"))
        };
    };
    if audiences.iter().any(|one| one == wanted) {
        return Check::new("provider", Level::Ok, format!("{host} accepts the audience {wanted}"));
    }
    let given = if audiences.is_empty() { "none".to_owned() } else { audiences.join(", ") };
    let text = format!("{host} does not accept the audience {wanted}, only: {given}");
    if made {
        Check::new("provider", Level::Warning, text).help("`hatoba apply` adds it")
    } else {
        let level = if trusted { Level::Problem } else { Level::Warning };
        Check::new("provider", level, text).help(format!(
            "`aws iam add-client-id-to-open-id-connect-provider --client-id {wanted} --open-id-connect-provider-arn {}` adds it",
            aws.facts().iam_arn(format_args!("oidc-provider/{host}"))
        ))
    }
}

fn of_quotas(quotas: &[doctor::Quota]) -> Check {
    let text: Vec<String> =
        quotas.iter().map(|quota| format!("{} {} of {}", quota.name, quota.used, quota.limit)).collect();
    if text.is_empty() {
        return Check::new("quotas", Level::Warning, "not looked at: IAM named none");
    }
    let text = text.join(", ");
    let help =
        "`aws service-quotas list-service-quotas --service-code iam --region us-east-1` shows what can be raised";
    if quotas.iter().any(|quota| quota.used >= quota.limit) {
        Check::new("quotas", Level::Problem, text).help(help)
    } else if quotas.iter().any(|quota| i64::from(quota.used) * 10 >= i64::from(quota.limit) * 9) {
        Check::new("quotas", Level::Warning, text).help(help)
    } else {
        Check::new("quotas", Level::Ok, text)
    }
}

/// The numbers of the repository, without which new repositories are not let in.
fn ids(stack: &Stack) -> Option<Check> {
    let github = stack.github.as_ref()?;
    let name = &github.repository;
    if github.owner_id.is_some() && github.repository_id.is_some() {
        return Some(Check::new("github", Level::Ok, format!("{name}, with the numbers of owner and repository")));
    }
    if github.subject_format == Some(SubjectFormat::Classic) {
        return Some(Check::new("github", Level::Ok, format!("{name}, with classic subjects, as the file says")));
    }
    let text = format!(
        "{name} without `owner_id` and `repository_id`: a repository created, renamed or transferred on or after 2026-07-15 would be refused"
    );
    Some(
        Check::new("github", Level::Warning, text)
            .help(format!("`gh api repos/{name} --jq '.owner.id, .id'` shows both")),
    )
}

fn lines(checks: &[Check]) -> Vec<Line> {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for check in checks {
        let (sign, tone, word) = match check.level {
            Level::Ok => ("✓", Tone::Add, ""),
            Level::Warning => ("!", Tone::Warning, "warning: "),
            Level::Problem => ("✗", Tone::Error, "problem: "),
        };
        let name = format!("{:width$}  ", check.name);
        lines.push(
            Line::new(0)
                .hang(width + 4)
                .add(tone, sign)
                .text(" ")
                .add(Tone::Strong, &name)
                .add(tone, word)
                .text(&check.text),
        );
        if let Some(help) = &check.help {
            lines.push(Line::help(width + 4, help));
        }
    }
    let count = |level: Level| checks.iter().filter(|check| check.level == level).count();
    let things = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let summary = match (count(Level::Problem), count(Level::Warning)) {
        (0, 0) => "Everything is ready.".to_owned(),
        (0, warnings) => format!("Ready, with {}.", things(warnings, "warning")),
        (problems, 0) => format!("Not ready: {}.", things(problems, "problem")),
        (problems, warnings) => format!("Not ready: {}, {}.", things(problems, "problem"), things(warnings, "warning")),
    };
    lines.extend([Line::blank(), Line::new(0).add(Tone::Strong, &summary)]);
    lines
}

fn document(checks: &[Check], account: Option<&str>, region: &Region, ok: bool) -> Value {
    let level = |level: Level| match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Problem => "problem",
    };
    let all: Vec<Value> = checks
        .iter()
        .map(|check| json!({ "check": check.name, "status": level(check.level), "message": check.text, "help": check.help }))
        .collect();
    json!({ "account": account, "region": region.as_str(), "ok": ok, "checks": all })
}
