#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_model::github::{RepositoryName, SubjectFormat};
use hatoba_model::yaml::Source;

use super::super::{Known, Repository};
use super::*;
use crate::workflow::read;

fn repository(ids: Option<(u64, u64)>) -> Repository {
    let name: RepositoryName = "acme/papyrus".parse().unwrap();
    Repository { name, ids, format: if ids.is_some() { SubjectFormat::Immutable } else { SubjectFormat::Classic } }
}

const LOGIN: &str = "
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: 'arn:aws:iam::123456789012:role/papyrus-deploy', aws-region: us-west-2 }
";

/// What each case presents: `event ref → sub`.
fn subjects(files: &[(&str, String)], ids: Option<(u64, u64)>) -> Vec<String> {
    let workflows: Vec<Workflow> = files
        .iter()
        .map(|(name, text)| read(Source::new(format!(".github/workflows/{name}"), text.as_str())))
        .collect();
    for workflow in &workflows {
        assert!(workflow.problems.is_empty(), "{}", workflow.problems);
    }
    let known = Known { default_branch: "main".into(), refs: Vec::new() };
    let repository = repository(ids);
    let setting =
        Setting { workflows: &workflows, repository: &repository, known: &known, audience: "sts.amazonaws.com" };
    let line = |case: &Case<'_>| {
        let presented = &case.presented[0];
        let sub = presented.subject().map_or_else(|| format!("? {}", presented.unknown["sub"]), str::to_owned);
        let token = if case.token == Token::Given { "" } else { " (no token)" };
        let doubt = case.doubt.as_ref().map(|name| format!(" if {name}")).unwrap_or_default();
        format!("{} → {sub}{token}{doubt}", case.situation.words())
    };
    cases(&setting).iter().map(line).collect()
}

fn one(head: &str, job: &str) -> Vec<String> {
    let text = format!("{head}\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n{job}    steps:{LOGIN}");
    subjects(&[("deploy.yml", text)], None)
}

const GIVEN: &str = "permissions: { id-token: write }\n";

#[test]
fn branch_tag_pull_request_environment() {
    let head = |on: &str| format!("{GIVEN}on: {on}");
    assert_eq!(
        one(&head("{ push: { branches: [main], tags: ['v*.*.*'] }, pull_request: {} }"), ""),
        [
            "push to main → repo:acme/papyrus:ref:refs/heads/main",
            "push of tags such as v1.1.1 → repo:acme/papyrus:ref:refs/tags/v1.1.1",
            "pull_request → repo:acme/papyrus:pull_request",
        ]
    );
    assert_eq!(
        one(&head("pull_request"), "    environment: { name: 'eu:production' }\n"),
        ["pull_request → repo:acme/papyrus:environment:eu%3Aproduction"]
    );
    assert_eq!(
        one(&head("workflow_dispatch"), "    environment: ${{ inputs.target }}\n"),
        ["workflow_dispatch on main → ? inputs.target"]
    );
    assert_eq!(
        one(&head("schedule"), "    environment: ${{ github.ref == 'refs/heads/main' && 'live' || 'test' }}\n"),
        ["schedule on main → repo:acme/papyrus:environment:live"]
    );
}

#[test]
fn immutable_subjects_have_both_numbers() {
    let text = format!("{GIVEN}on: {{ push: {{ branches: [main] }} }}\njobs:\n  a:\n    steps:{LOGIN}");
    assert_eq!(
        subjects(&[("a.yml", text)], Some((1_234_567, 7_654_321))),
        ["push to main → repo:acme@1234567/papyrus@7654321:ref:refs/heads/main"]
    );
}

#[test]
fn conditions_decide_what_runs() {
    let head = format!("{GIVEN}on: {{ push: {{ branches: [main, dev] }} }}");
    assert_eq!(
        one(&head, "    if: github.ref == 'refs/heads/main'\n"),
        ["push to main → repo:acme/papyrus:ref:refs/heads/main"]
    );
    assert_eq!(one(&head, "    if: github.event_name == 'pull_request'\n"), [""; 0]);
    assert_eq!(one(&head, "    if: ${{ vars.DEPLOY == 'yes' && github.ref_name == 'dev' }}\n").len(), 1);
    assert_eq!(
        one(&head, "    if: ${{ vars.DEPLOY == 'yes' && github.ref_name == 'dev' }}\n"),
        ["push to dev → repo:acme/papyrus:ref:refs/heads/dev if vars.DEPLOY"]
    );
}

#[test]
fn without_the_permission_there_is_no_token() {
    let push = "on: { push: { branches: [main] } }";
    for head in [
        push.to_owned(),
        format!("permissions: read-all\n{push}"),
        format!("permissions: {{ contents: read }}\n{push}"),
    ] {
        assert!(one(&head, "")[0].ends_with("(no token)"), "{head}");
    }
    assert!(one(&format!("{GIVEN}{push}"), "    permissions: { contents: read }\n")[0].ends_with("(no token)"));
    assert!(!one(push, "    permissions: write-all\n")[0].ends_with("(no token)"));
}

#[test]
fn a_called_workflow_presents_its_callers_subject() {
    let caller = "on: { push: { branches: [main] } }
jobs:
  live:
    permissions: { id-token: write }
    uses: ./.github/workflows/called.yml
    with: { target: production }
  other:
    uses: ./.github/workflows/called.yml
    with: { target: staging }
  remote:
    permissions: { id-token: write }
    uses: acme/shared/.github/workflows/deploy.yml@refs/heads/main
";
    let called = format!(
        "on: {{ workflow_call: {{ inputs: {{ target: {{ type: string }} }} }} }}\njobs:\n  deploy:\n    environment: ${{{{ inputs.target }}}}\n    steps:{LOGIN}"
    );
    let files = [("caller.yml", caller.to_owned()), ("called.yml", called)];
    assert_eq!(
        subjects(&files, None),
        [
            "push to main → repo:acme/papyrus:environment:production",
            "push to main → repo:acme/papyrus:environment:staging (no token)",
            "push to main → repo:acme/papyrus:ref:refs/heads/main",
        ]
    );
}

#[test]
fn a_matrix_gives_one_case_for_each_value() {
    let head = format!("{GIVEN}on: {{ push: {{ branches: [main] }} }}");
    let job = "    strategy: { matrix: { target: [a, b], os: [x, y, z] } }\n    environment: ${{ matrix.target }}\n";
    assert_eq!(
        one(&head, job),
        ["push to main → repo:acme/papyrus:environment:a", "push to main → repo:acme/papyrus:environment:b",]
    );
}

#[test]
fn workflows_that_call_themselves_come_to_an_end() {
    let text = format!(
        "{GIVEN}on: [workflow_call, workflow_dispatch]\njobs:\n  again:\n    uses: ./.github/workflows/a.yml\n  deploy:\n    steps:{LOGIN}"
    );
    assert!(!subjects(&[("a.yml", text)], None).is_empty());
}

#[test]
fn keys_and_chained_roles_need_no_token() {
    let text = format!(
        "{GIVEN}on: workflow_dispatch
jobs:
  a:
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {{ aws-access-key-id: '${{{{ secrets.KEY }}}}', role-to-assume: x }}
      - uses: aws-actions/configure-aws-credentials@v4
        with: {{ role-chaining: true, role-to-assume: x }}
      - uses: actions/checkout@v4
"
    );
    assert_eq!(subjects(&[("a.yml", text)], None), [""; 0]);
}
