//! Whether the file grants what was refused, and what to add.

use hatoba_model::facts::Facts;
use hatoba_model::iam::advice::only_all;
use hatoba_model::iam::evaluate::{Policies, Policy as Parsed, Principal, Request, Source, Verdict, evaluate};
use hatoba_model::iam::grants::{Grant, Names};
use hatoba_model::iam::permission::statements;
use hatoba_model::iam::refusal::{Denied, Why};
use hatoba_model::kinds::Resource as _;
use hatoba_model::kinds::grant_facts::grants_policy;
use hatoba_model::kinds::role::{GRANTS_POLICY, Role};
use hatoba_model::names::AccountId;
use hatoba_model::yaml::Path;
use serde_json::{Value, json};

use crate::purpose::{Purpose, needed};
use crate::session::File;

/// What is known of who was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// A role of the file, by its key, with the line it stands in.
    Own { key: String, place: String },
    /// A role, by its name.
    Role(String),
    /// A user, by its name.
    User(String),
    /// The message does not say.
    Unsaid,
}

/// What to do.
#[derive(Debug, Clone)]
pub(crate) struct Advice {
    pub(crate) who: Who,
    /// What the policies of the file say; nothing for who is not a role of it.
    pub(crate) by_file: Option<Verdict>,
    /// Policies attached to the role whose documents are not in the file.
    pub(crate) unseen: Vec<String>,
    /// A grant of the file that would allow it: `push: papyrus`.
    pub(crate) grant: Option<String>,
    /// A statement that would allow it.
    pub(crate) statement: Option<Value>,
    /// The command of hatoba that needs it for this file, unless who was refused is a role of the file.
    pub(crate) needed_by: Option<&'static str>,
    /// Sentences about what it means and what to do, in order.
    pub(crate) steps: Vec<String>,
}

/// Works out what to do about a refusal.
pub(crate) fn advise(denied: &Denied, file: Option<(&File, AccountId)>) -> Advice {
    let (action, resource) = (denied.action.as_deref(), denied.resource.as_deref());
    let mut advice = Advice {
        who: who(denied, file.as_ref().map(|(file, _)| *file)),
        by_file: None,
        unseen: Vec::new(),
        grant: None,
        statement: None,
        needed_by: None,
        steps: Vec::new(),
    };
    let lacking = matches!(denied.why, Why::NotAllowed(_) | Why::Unsaid | Why::Encoded);
    if let (Some(action), true) = (action, lacking) {
        advice.statement = Some(statement(action, resource));
    }
    if let (Some(action), Some((file, account)), true) = (action, &file, !matches!(advice.who, Who::Own { .. })) {
        let facts = Facts { account: account.clone(), region: file.loaded.stack.region.clone() };
        advice.needed_by = needed_by(denied, action, file, &facts);
    }
    if let (Some((file, account)), Who::Own { key, .. }, Some(action)) = (&file, &advice.who, action) {
        let stack = &file.loaded.stack;
        let facts = Facts { account: account.clone(), region: stack.region.clone() };
        if let Some(role) = stack.roles.get(key) {
            let arn = role.output(role.aws_name(key), "arn", &facts).unwrap_or_default();
            let request = request(denied, action, arn, &facts);
            let mut policies = policies(file, role, &facts);
            advice.unseen =
                role.managed_policies.iter().filter(|name| !stack.policies.contains_key(*name)).cloned().collect();
            advice.by_file = Some(evaluate(&request, &policies));
            let others = std::mem::take(&mut policies.identity);
            advice.grant = grant(file, &request, &facts).filter(|_| lacking && !allowed(&request, others));
        }
    }
    advice.steps = steps(denied, &advice);
    advice
}

fn allowed(request: &Request, identity: Vec<Parsed>) -> bool {
    evaluate(request, &Policies { identity, ..Policies::default() }).is_allowed()
}

fn who(denied: &Denied, file: Option<&File>) -> Who {
    let Some(arn) = &denied.principal else { return Who::Unsaid };
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let mut parts = resource.split('/');
    let kind = parts.next().unwrap_or_default();
    let name = match kind {
        "assumed-role" => parts.next(),
        _ => parts.next_back(),
    };
    let name = name.unwrap_or_default().to_owned();
    if kind == "user" {
        return Who::User(name);
    }
    if !["assumed-role", "role"].contains(&kind) {
        return Who::Unsaid;
    }
    let own = file.and_then(|file| {
        let (key, _) = file.loaded.stack.roles.iter().find(|(key, role)| role.aws_name(key) == name)?;
        let (span, _) = file.loaded.tree.locate_key(&Path::of(&["roles", key]));
        Some(Who::Own { key: key.clone(), place: format!("{}:{}", file.source.name, span.start) })
    });
    own.unwrap_or(Who::Role(name))
}

/// The first command of hatoba that cannot do without it: reading comes before changing.
fn needed_by(denied: &Denied, action: &str, file: &File, facts: &Facts) -> Option<&'static str> {
    let asked = request(denied, action, denied.principal.clone().unwrap_or_default(), facts);
    let needs = |purpose: &Purpose| {
        let needed = needed(*purpose, &file.loaded.stack, facts);
        let document = json!({ "Version": "2012-10-17", "Statement": statements(&needed) });
        parsed(Source::Identity, purpose.name(), &document).is_some_and(|policy| allowed(&asked, vec![policy]))
    };
    let purposes = [Purpose::Plan, Purpose::Apply, Purpose::Destroy, Purpose::Deploy];
    purposes.iter().find(|purpose| needs(purpose)).map(|purpose| purpose.name())
}

fn request(denied: &Denied, action: &str, arn: String, facts: &Facts) -> Request {
    let request = Request::new(action, denied.resource.as_deref().unwrap_or("*"), Principal::Arn(arn));
    let request = request.with("aws:RequestedRegion", facts.region.as_str());
    // ECS is the only one that roles are handed to here.
    let passed = action.eq_ignore_ascii_case("iam:PassRole");
    let request = if passed { request.with("iam:PassedToService", "ecs-tasks.amazonaws.com") } else { request };
    match cluster(denied.resource.as_deref(), facts) {
        Some(cluster) => request.with("ecs:cluster", cluster),
        None => request,
    }
}

/// The cluster of a task or service, from its ARN.
fn cluster(resource: Option<&str>, facts: &Facts) -> Option<String> {
    let arn = resource?;
    let rest = arn.splitn(6, ':').nth(5)?;
    let mut parts = rest.split('/');
    let kind = parts.next()?;
    let name = parts.next()?;
    ["task", "service", "container-instance"].contains(&kind).then(|| facts.arn("ecs", format_args!("cluster/{name}")))
}

fn parsed(source: Source, name: &str, document: &Value) -> Option<Parsed> {
    Parsed::parse(source, name, document).ok()
}

fn policies(file: &File, role: &Role, facts: &Facts) -> Policies {
    let stack = &file.loaded.stack;
    let mut found = Policies::default();
    let inline = role.inline_policies.iter().filter_map(|(name, policy)| parsed(Source::Identity, name, &policy.0));
    found.identity.extend(inline);
    let granted = grants_policy(&role.grants, stack, facts);
    found.identity.extend(granted.and_then(|document| parsed(Source::Identity, GRANTS_POLICY, &document)));
    let document = |name: &String| stack.policies.get(name)?.document.as_ref();
    let own = role.managed_policies.iter().filter_map(|name| parsed(Source::Identity, name, &document(name)?.0));
    found.identity.extend(own);
    let boundary = role.permissions_boundary.as_ref();
    found.boundary = boundary.and_then(|name| parsed(Source::Boundary, name, &document(name)?.0));
    found
}

/// The first grant that would allow it: of the narrow ones first.
fn grant(file: &File, request: &Request, facts: &Facts) -> Option<String> {
    let stack = &file.loaded.stack;
    let repositories = || stack.repositories.keys().map(String::as_str);
    let mut candidates: Vec<(String, Grant)> = Vec::new();
    candidates.extend(repositories().map(|name| (format!("pull: {name}"), Grant::Pull(Names::from(name)))));
    candidates.extend(repositories().map(|name| (format!("push: {name}"), Grant::Push(Names::from(name)))));
    candidates.extend(
        stack.services.keys().map(|name| (format!("deploy: {name}"), Grant::Deploy(Names::from(name.as_str())))),
    );
    candidates.into_iter().find_map(|(text, grant)| {
        let document = grants_policy(&[grant], stack, facts)?;
        let policy = parsed(Source::Identity, GRANTS_POLICY, &document)?;
        allowed(request, vec![policy]).then_some(text)
    })
}

fn statement(action: &str, resource: Option<&str>) -> Value {
    let resource = resource.filter(|_| !only_all(action)).unwrap_or("*");
    let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    if action.eq_ignore_ascii_case("iam:PassRole") {
        statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    }
    statement
}

fn steps(denied: &Denied, advice: &Advice) -> Vec<String> {
    let action = denied.action.as_deref().unwrap_or("the action");
    let mut steps: Vec<String> = Vec::new();
    match denied.why {
        Why::WebIdentity => steps.extend([
            "The trust policy of the role does not let in this token of GitHub, or there is no such role or provider in that account: AWS does not say which.".to_owned(),
            "`hatoba doctor oidc` compares each job of the workflow files with the trust policies; with `--event FILE` the token that CloudTrail recorded.".to_owned(),
        ]),
        Why::NoProvider => steps.push("The account has no identity provider for GitHub: add `oidc_providers: { github: { url: https://token.actions.githubusercontent.com, client_ids: [sts.amazonaws.com] } }` to the file and apply it. `hatoba doctor` looks.".to_owned()),
        Why::WrongAudience => steps.push("The provider does not accept the audience of the token: add `sts.amazonaws.com` to `client_ids` of the provider, and let the step ask for no other `audience`.".to_owned()),
        Why::NoToken => steps.extend([
            "The job got no token from GitHub: write `permissions: { id-token: write, contents: read }` in the job. A run for a pull request from a fork never gets one.".to_owned(),
            "`hatoba doctor oidc` names the jobs that lack it.".to_owned(),
        ]),
        Why::TaskRole => steps.push("The role has to trust ECS: `trust: { service: ecs-tasks.amazonaws.com }`. A role that was made seconds ago works a little later by itself.".to_owned()),
        Why::Encoded => steps.push("The rest of the message is encoded: `aws sts decode-authorization-message --encoded-message MESSAGE --query DecodedMessage --output text` shows it.".to_owned()),
        why @ (Why::Denies(_) | Why::NotAllowed(_) | Why::Unsaid) => steps.extend(why.barrier(action)),
    }
    if denied.action.as_deref().is_some_and(|action| action.eq_ignore_ascii_case("iam:PassRole")) {
        steps.push("Whoever registers a task definition or starts a task hands over its roles, and needs iam:PassRole for the execution role and for the task role.".to_owned());
    }
    match (&advice.who, &advice.by_file) {
        (Who::Own { key, .. }, Some(Verdict::Allowed { by })) => steps.push(format!(
            "The file grants it to `{key}`, by {by}. So AWS has not got it yet: `hatoba plan` shows what differs, and `hatoba apply` brings it there."
        )),
        (Who::Own { key, .. }, Some(Verdict::ExplicitDeny { by })) => steps.push(format!("In the file it is denied to `{key}` by {by}; remove that first.")),
        (Who::Own { key, .. }, Some(Verdict::ImplicitDeny { nearest, .. })) => {
            let nearest = nearest.as_ref().map(|nearest| format!(" The nearest is {nearest}.")).unwrap_or_default();
            steps.push(format!("The file does not grant it to `{key}`.{nearest}"));
            if !advice.unseen.is_empty() {
                steps.push(format!("What is in {} is not in the file and was not looked at.", advice.unseen.join(", ")));
            }
        }
        (Who::User(_) | Who::Role(_), _) if denied.action.is_some() && advice.statement.is_some() => {
            steps.push("It is not a role of this file: whoever manages it has to add the permission.".to_owned());
        }
        _ => {}
    }
    if let Some(run) = &advice.needed_by {
        steps.push(format!(
            "`hatoba {run}` needs it: `hatoba permissions --for {run}` prints everything that it takes."
        ));
    }
    steps
}
