//! `hatoba doctor oidc`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hatoba_github::claims::{Case, Known, Repository, Role as Asked, Setting, cases};
use hatoba_github::explain::{Subject, Tail, Trust};
use hatoba_github::lint::{Facts, Findings, Platform, lint, wide_policies};
use hatoba_github::workflow::Workflow;
use hatoba_model::diag::{Diagnostic, Diagnostics, nearest};
use hatoba_model::github::{PROVIDER_HOST, RepositoryName, SubjectFormat, audience};
use hatoba_model::iam::{DocProblem, Segment, lint_trust};
use hatoba_model::kinds::Resource as _;
use hatoba_model::kinds::task_definition::Architecture;
use hatoba_model::kinds::trust::Trust as Spec;
use hatoba_model::load::Loaded;
use hatoba_model::names::AccountId;
use hatoba_model::reference::Ref;
use hatoba_model::yaml::{Path, Source};
use hatoba_provider::aws::Aws;
use hatoba_provider::doctor::{provider_audiences, role_trust};

use super::args::OidcArgs;
use super::judge::{Answered, Judged, Status, answer, judge, settle_choices, status_of};
use super::presented::{Shown, input, of_event, of_token};
use super::repository::{Root, workflow};
use super::roles::{Places, Role, of_file};
use super::{account, oidc_json, oidc_text};
use crate::args::Global;
use crate::error::{Error, Kind};
use crate::session;
use crate::ui::Ui;

/// Everything that was found out.
#[derive(Debug)]
pub(crate) struct Report {
    /// The stack file.
    pub(crate) file: String,
    /// The stack.
    pub(crate) stack: String,
    /// The repository whose workflows were looked at.
    pub(crate) repository: Option<String>,
    /// Whether AWS was asked.
    pub(crate) live: bool,
    /// Roles that were looked at.
    pub(crate) roles: Vec<String>,
    /// Workflow files that were looked at.
    pub(crate) workflows: Vec<String>,
    /// Jobs that sign in.
    pub(crate) judged: Vec<Judged>,
    /// A token or an event, and what the roles say to it.
    pub(crate) shown: Option<(Shown, Answered, Status)>,
    /// What is wrong with files.
    pub(crate) findings: Vec<Findings>,
    /// What is wrong elsewhere, as sentences, each with what to do.
    pub(crate) problems: Vec<(String, Option<String>)>,
    /// What else has to be said.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// Whether nothing is refused and no file has an error.
    pub(crate) fn is_good(&self) -> bool {
        let refused = |status: Status| matches!(status, Status::Denied | Status::NoToken);
        self.problems.is_empty()
            && !self.judged.iter().any(|judged| refused(judged.status))
            && self.shown.as_ref().is_none_or(|(shown, _, status)| !refused(*status) && shown.problems.is_empty())
            && !self.findings.iter().any(|findings| findings.diagnostics.has_errors())
    }
}

/// Explains who gets which role.
pub(crate) async fn run(global: &Global, args: &OidcArgs, ui: &Ui) -> Result<u8, Error> {
    // First what needs no other system, so that a slip in it is told at once.
    let shown = match (&args.token, &args.event) {
        (Some(path), _) => Some(of_token(&input(path)?)?),
        (_, Some(path)) => Some(of_event(&input(path)?)?),
        _ => None,
    };
    let source = session::source(global, ui)?;
    let mut loaded = session::check(&source, global, ui, None)?;
    let aws = if args.live { Some(account::connect(global, &loaded.stack, &source.name).await?) } else { None };
    if let Some(aws) = &aws {
        loaded = session::check(&source, global, ui, Some(&aws.facts().account))?;
    }
    let report = examine(global, args, shown, &source, &loaded, aws.as_ref()).await?;
    if ui.json {
        ui.document(&oidc_json::document(&report))?;
    } else {
        ui.data(&oidc_text::text(&report, ui.out))?;
    }
    Ok(u8::from(!report.is_good()))
}

async fn examine(
    global: &Global,
    args: &OidcArgs,
    shown: Option<Shown>,
    source: &Source,
    loaded: &Loaded,
    aws: Option<&Aws>,
) -> Result<Report, Error> {
    let given = aws.map(|aws| &aws.facts().account);
    let (of_file, account) = of_file(loaded, given);
    let names: Vec<String> = of_file.iter().map(|role| role.name.clone()).collect();
    let paths: BTreeMap<String, String> = of_file
        .iter()
        .filter_map(|role| Some((role.name.clone(), role.trust.role_arn.parse::<Asked>().ok()?.path)))
        .collect();
    let mut report = Report {
        file: source.name.clone(),
        stack: loaded.stack.stack.to_string(),
        repository: None,
        live: aws.is_some(),
        roles: Vec::new(),
        workflows: Vec::new(),
        judged: Vec::new(),
        shown: None,
        findings: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let mut roles = chosen(of_file, args.role.as_deref(), aws.is_some())?;
    if let Some(aws) = aws {
        roles = live(aws, roles, args.role.as_deref(), loaded, &mut report).await?;
    }
    if roles.is_empty() && report.problems.is_empty() {
        let help = "add `trust: { github: {} }` to a role, and a `github:` block to the file".to_owned();
        report.problems.push((format!("No role in {} trusts GitHub.", source.name), Some(help)));
    }
    let places = Places { loaded, source };
    if let Some(shown) = shown {
        let answered = of_shown(&shown, &roles, &names, account.as_ref(), places, &mut report);
        let status = status_of(&answered);
        report.roles = roles.iter().map(|role| role.name.clone()).collect();
        report.shown = Some((shown, answered, status));
        return Ok(report);
    }
    let root = Root::of(global.file());
    let (workflows, wanted) = workflows(&root, &args.workflows)?;
    report.workflows = wanted.iter().cloned().collect();
    if wanted.is_empty() {
        report.notes.push("There are no workflow files in .github/workflows.".to_owned());
    }
    let Some(repository) = repository(loaded, &roles, &root, &mut report) else {
        return Ok(report);
    };
    report.repository = Some(repository.name.to_string());
    let known = known(loaded, &roles, &root);
    let partition = loaded.stack.region.partition();
    let setting =
        Setting { workflows: &workflows, repository: &repository, known: &known, audience: audience(partition) };
    let all: Vec<Case<'_>> = cases(&setting);
    if let Some(aws) = aws {
        others(aws, &all, &mut roles).await?;
    }
    let exists = |asked: &Asked| aws.is_none_or(|aws| aws.facts().account.as_str() != asked.account);
    let here = |case: &Case<'_>| {
        let (home, _) = case.home();
        wanted.contains(&case.workflow.source.name) || wanted.contains(&home.source.name)
    };
    let mut judged: Vec<Judged> =
        all.iter().filter(|case| here(case)).map(|case| judge(case, &roles, &exists, places)).collect();
    settle_choices(&mut judged);
    report.judged = judged;
    report.roles = roles.iter().map(|role| role.name.clone()).collect();
    report.findings.extend(stack_findings(loaded, source, &names));
    let facts_of = stack_facts(loaded);
    let facts = Facts {
        region: loaded.stack.region.as_str(),
        account: account.as_ref().map(AccountId::as_str),
        roles: &facts_of.roles,
        github_roles: &names,
        paths: &paths,
        platforms: &facts_of.platforms,
        log_groups: &facts_of.log_groups,
        files: &|path| root.text(path),
    };
    let mut found = lint(&setting, &all, &facts);
    let ours = |findings: &Findings| {
        !workflows.iter().any(|workflow| workflow.source.name == findings.source.name)
            || wanted.contains(&findings.source.name)
    };
    found.retain(ours);
    report.findings.extend(found);
    Ok(report)
}

/// The roles that are asked about.
fn chosen(roles: Vec<Role>, wanted: Option<&str>, live: bool) -> Result<Vec<Role>, Error> {
    let Some(wanted) = wanted else { return Ok(roles) };
    let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    let is = |role: &Role| role.name == wanted || role.key.as_deref() == Some(wanted);
    let found: Vec<Role> = roles.into_iter().filter(is).collect();
    if !found.is_empty() || live {
        return Ok(found);
    }
    let error = Error::new(Kind::Failed, format!("no role `{wanted}` of the file trusts GitHub"));
    Err(match nearest(wanted, names.iter().map(String::as_str)) {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None if names.is_empty() => error.help("no role of the file does"),
        None => error.help(format!("those that do: {}", names.join(", "))),
    })
}

/// The trust policies as AWS has them.
async fn live(
    aws: &Aws,
    roles: Vec<Role>,
    wanted: Option<&str>,
    loaded: &Loaded,
    report: &mut Report,
) -> Result<Vec<Role>, Error> {
    let mut found = Vec::new();
    let mut asked = roles;
    if let Some(name) = wanted.filter(|_| asked.is_empty()) {
        let trust = Trust { role_arn: String::new(), document: serde_json::Value::Null, from_block: false };
        asked.push(Role { key: None, name: name.to_owned(), trust, live: true, wanted: None });
    }
    for role in asked {
        match role_trust(aws, &role.name).await? {
            Some(real) => {
                for problem in lint_trust(&real.document).into_iter().filter(DocProblem::is_error) {
                    let text = format!("The trust policy of `{}` in AWS: {}.", role.name, problem.message);
                    report.problems.push((text, problem.help));
                }
                let trust = Trust { role_arn: real.arn, document: real.document, from_block: role.trust.from_block };
                let wanted = role.key.is_some().then(|| role.trust.clone());
                found.push(Role { trust, live: true, wanted, ..role });
            }
            None => {
                let help = role.key.is_some().then(|| "`hatoba apply` makes it".to_owned());
                report
                    .problems
                    .push((format!("AWS has no role `{}` in the account {}.", role.name, aws.facts().account), help));
            }
        }
    }
    let host = provider_host(loaded);
    let wanted = audience(aws.facts().partition());
    match provider_audiences(aws, &host).await? {
        None => report.problems.push((
            format!("The account has no identity provider for {host}: every token is refused with InvalidIdentityToken."),
            Some("add `oidc_providers: { github: { url: https://token.actions.githubusercontent.com, client_ids: [sts.amazonaws.com] } }` to the file and apply it".to_owned()),
        )),
        Some(audiences) if !audiences.iter().any(|one| one == wanted) => report.problems.push((
            format!("The identity provider does not accept the audience {wanted}: tokens are refused with InvalidIdentityToken, \"Incorrect token audience\"."),
            Some(format!("add `{wanted}` to `client_ids` of the provider in the file and apply it")),
        )),
        Some(_) => {}
    }
    Ok(found)
}

/// The host of the provider that the file has for GitHub.
pub(crate) fn provider_host(loaded: &Loaded) -> String {
    let hosts = loaded.stack.oidc_providers.iter().map(|(key, provider)| provider.aws_name(key));
    hosts.into_iter().find(|host| host.starts_with(PROVIDER_HOST)).unwrap_or(PROVIDER_HOST).to_owned()
}

/// Roles that workflows name and the file does not have.
async fn others(aws: &Aws, cases: &[Case<'_>], roles: &mut Vec<Role>) -> Result<(), Error> {
    let asked: BTreeSet<String> = cases
        .iter()
        .filter_map(|case| case.login.as_ref()?.role.known()?.parse::<Asked>().ok())
        .filter(|asked| asked.account == aws.facts().account.as_str())
        .map(|asked| asked.name)
        .filter(|name| !roles.iter().any(|role| role.name == *name))
        .collect();
    for name in asked {
        if let Some(real) = role_trust(aws, &name).await? {
            let trust = Trust { role_arn: real.arn, document: real.document, from_block: false };
            roles.push(Role { key: None, name, trust, live: true, wanted: None });
        }
    }
    Ok(())
}

fn of_shown(
    shown: &Shown,
    roles: &[Role],
    names: &[String],
    account: Option<&AccountId>,
    places: Places<'_>,
    report: &mut Report,
) -> Answered {
    let asked: Option<Asked> = shown.role_arn.as_ref().and_then(|arn| arn.parse().ok());
    let mut candidates: Vec<&Role> = roles.iter().collect();
    if let Some(asked) = &asked {
        candidates.retain(|role| role.name == asked.name);
        if let Some(account) = account.filter(|account| account.as_str() != asked.account) {
            let text =
                format!("The call asked for a role of the account {}, but the stack is in {account}.", asked.account);
            report.problems.push((text, Some("correct `role-to-assume` in the workflow".to_owned())));
        }
        let meant = candidates.iter().filter_map(|role| role.trust.role_arn.parse::<Asked>().ok());
        if let Some(role) = meant.into_iter().find(|role| asked.differs_in_path(role)) {
            let text =
                format!("The call asked for `{asked}`, but the role is `{role}`: the path is missing or differs.");
            report.problems.push((text, Some("correct `role-to-assume` in the workflow".to_owned())));
            candidates.clear();
        }
        if candidates.is_empty() && report.problems.is_empty() {
            let text = format!(
                "The call asked for the role `{}`, which is not among those that trust GitHub in the file.",
                asked.name
            );
            let help = match nearest(&asked.name, names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`? Then correct `role-to-assume` in the workflow"),
                None => {
                    format!("`hatoba doctor oidc --live --role {}` with the same event asks AWS for it", asked.name)
                }
            };
            report.problems.push((text, Some(help)));
        }
    }
    answer(&shown.presented, &candidates, places)
}

/// The workflow files, all of them because one may call another, and the names of those that are asked about.
fn workflows(root: &Root, given: &[PathBuf]) -> Result<(Vec<Workflow>, BTreeSet<String>), Error> {
    let mut paths = root.workflows()?;
    let same = |a: &PathBuf, b: &PathBuf| {
        a == b || a.canonicalize().ok().is_some_and(|full| b.canonicalize().ok() == Some(full))
    };
    let mut wanted = BTreeSet::new();
    for path in given {
        match paths.iter().find(|known| same(known, path)) {
            Some(known) => drop(wanted.insert(known.display().to_string())),
            None => {
                paths.push(path.clone());
                wanted.insert(path.display().to_string());
            }
        }
    }
    if given.is_empty() {
        wanted.extend(paths.iter().map(|path| path.display().to_string()));
    }
    let workflows = paths.iter().map(|path| workflow(path)).collect::<Result<_, _>>()?;
    Ok((workflows, wanted))
}

/// The subjects that a trust policy names.
fn subjects(role: &Role) -> Vec<String> {
    fn walk(value: &serde_json::Value, under: bool, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) if under => found.push(text.clone()),
            serde_json::Value::Array(all) => all.iter().for_each(|one| walk(one, under, found)),
            serde_json::Value::Object(map) => {
                map.iter().for_each(|(key, value)| walk(value, under || key.to_lowercase().ends_with(":sub"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&role.trust.document, false, &mut found);
    found
}

/// The repository: what the file says, else the remote of the clone, else what the trust policies name.
fn repository(loaded: &Loaded, roles: &[Role], root: &Root, report: &mut Report) -> Option<Repository> {
    let origin: Option<RepositoryName> = root.origin().and_then(|name| name.parse().ok());
    let overrides = loaded.stack.roles.values().filter_map(|role| match role.trust.as_ref()? {
        Spec::GitHub(own) => own.over(loaded.stack.github.as_ref()),
        _ => None,
    });
    let said = loaded.stack.github.clone().or_else(|| overrides.into_iter().next());
    if let (Some(said), Some(origin)) = (&said, &origin)
        && said.repository != *origin
    {
        let text = format!(
            "The file names the repository {}, but the remote `origin` of this clone is {origin}.",
            said.repository
        );
        report.notes.push(text);
    }
    let mut found = said.as_ref().map(Repository::from).or_else(|| origin.map(Repository::named)).or_else(|| {
        let all: Vec<String> = roles.iter().flat_map(subjects).collect();
        all.iter().filter_map(|text| Subject::parse(text)).find_map(|subject| {
            let name: RepositoryName = format!("{}/{}", subject.owner, subject.name).parse().ok()?;
            let ids = subject.owner_id.and_then(|id| id.parse().ok()).zip(subject.id.and_then(|id| id.parse().ok()));
            let format = if ids.is_some() { SubjectFormat::Immutable } else { SubjectFormat::Classic };
            Some(Repository { name, ids, format })
        })
    });
    let Some(repository) = &mut found else {
        let help = "add `github: { repository: OWNER/NAME, branches: [main] }` to the file".to_owned();
        report.problems.push(("It is not known which repository the workflows belong to.".to_owned(), Some(help)));
        return None;
    };
    // In a workflow GitHub says the numbers itself.
    let variable = |name: &str| std::env::var(name).ok();
    if repository.ids.is_none() && variable("GITHUB_REPOSITORY").as_deref() == Some(repository.name.as_str()) {
        let number = |name: &str| variable(name)?.parse::<u64>().ok();
        repository.ids = number("GITHUB_REPOSITORY_OWNER_ID").zip(number("GITHUB_REPOSITORY_ID"));
    }
    if repository.ids.is_none() {
        report.notes.push(format!(
            "Without `owner_id` and `repository_id` only the classic form of subjects is looked at; `gh api repos/{} --jq '.owner.id, .id'` shows them.",
            repository.name
        ));
    }
    found
}

/// Branches and tags that the file or its trust policies name.
fn known(loaded: &Loaded, roles: &[Role], root: &Root) -> Known {
    let example = |pattern: &str, run: &str| pattern.replace('*', run).replace('?', "1");
    let mut refs = Vec::new();
    for text in roles.iter().flat_map(subjects) {
        match Subject::parse(&text).map(|subject| subject.tail) {
            Some(Tail::Branch(name)) => refs.push(format!("refs/heads/{}", example(name, "example"))),
            Some(Tail::Tag(name)) => refs.push(format!("refs/tags/{}", example(name, "1"))),
            _ => {}
        }
    }
    refs.sort();
    refs.dedup();
    let literal = |name: &&String| !name.contains(['*', '?']);
    let first = loaded.stack.github.as_ref().and_then(|github| github.branches.iter().find(literal).cloned());
    let default_branch = root.default_branch().or(first).unwrap_or_else(|| "main".to_owned());
    Known { default_branch, refs }
}

struct StackFacts {
    roles: Vec<String>,
    platforms: BTreeSet<Platform>,
    log_groups: Vec<String>,
}

fn stack_facts(loaded: &Loaded) -> StackFacts {
    let stack = &loaded.stack;
    let tasks = || stack.task_definitions.values();
    let platform = |architecture: Option<Architecture>| match architecture {
        Some(Architecture::Arm64) => Platform::Arm64,
        _ => Platform::Amd64,
    };
    let used = tasks().flat_map(|task| task.containers.values()).filter_map(|container| {
        match container.logs.as_ref()?.full().group? {
            Ref::Existing(name) => Some(name),
            Ref::Own(_) => None,
        }
    });
    StackFacts {
        roles: stack.roles.iter().map(|(key, role)| role.aws_name(key).to_owned()).collect(),
        platforms: tasks().filter(|task| !task.existing).map(|task| platform(task.architecture)).collect(),
        log_groups: stack.log_groups.iter().map(|(key, group)| group.aws_name(key).to_owned()).chain(used).collect(),
    }
}

/// What the file's own checks say, and policies of the roles that GitHub gets which allow more than the stack has.
fn stack_findings(loaded: &Loaded, source: &Source, github: &[String]) -> Option<Findings> {
    let mut diagnostics = loaded.warnings.clone();
    let mut wide = Diagnostics::new();
    let stack = &loaded.stack;
    for (key, role) in stack.roles.iter().filter(|(key, role)| github.iter().any(|name| name == role.aws_name(key))) {
        for (name, policy) in &role.inline_policies {
            let path = Path::of(&["roles", key, "inline_policies", name]);
            wide.extend(wide_policies(&policy.0).iter().map(|problem| diagnostic(problem, &path)));
        }
        for name in &role.managed_policies {
            if let Some(document) = stack.policies.get(name).and_then(|policy| policy.document.as_ref()) {
                let path = Path::of(&["policies", name, "document"]);
                wide.extend(wide_policies(&document.0).iter().map(|problem| diagnostic(problem, &path)));
            }
        }
    }
    wide.locate(&loaded.tree);
    diagnostics.extend(wide);
    (!diagnostics.is_empty()).then(|| Findings { source: source.clone(), diagnostics })
}

fn diagnostic(problem: &DocProblem, path: &Path) -> Diagnostic {
    let path = problem.pointer.iter().fold(path.clone(), |path, segment| match segment {
        Segment::Key(key) => path.key(key.as_str()),
        Segment::Index(index) => path.index(*index),
    });
    let found = Diagnostic::warning(problem.code, problem.message.clone()).path(path);
    problem.help.iter().fold(found, |found, help| found.help(help.clone()))
}
