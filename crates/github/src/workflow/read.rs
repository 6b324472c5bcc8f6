//! From YAML to a workflow.

use hatoba_model::yaml::{Entry, Node, Source, Span, parse_lenient};

use super::model::{Access, Job, Permissions, Step, Text, Variable, Variables, Workflow};
use super::triggers::triggers;

/// Reads a workflow file as far as it can be read.
pub fn read(source: Source) -> Workflow {
    let parsed = parse_lenient(&source);
    let mut workflow = Workflow {
        source,
        name: None,
        triggers: Vec::new(),
        permissions: None,
        env: Variables::default(),
        working_directory: None,
        jobs: Vec::new(),
        problems: parsed.problems,
    };
    let Some(root) = parsed.root else { return workflow };
    workflow.name = root.get("name").and_then(text);
    workflow.triggers = root.get("on").map(triggers).unwrap_or_default();
    workflow.permissions = permissions(&root);
    workflow.env = root.get("env").map(variables).unwrap_or_default();
    workflow.working_directory = default_directory(&root);
    workflow.jobs = root.get("jobs").map(|jobs| jobs.entries().iter().map(job).collect()).unwrap_or_default();
    workflow
}

/// A scalar; numbers and truth values as they are written.
pub(super) fn text(node: &Node) -> Option<Text> {
    node.as_str().map(|text| Text { text: text.to_owned(), span: node.span })
}

/// The texts of a list, or a single one.
pub(super) fn list(node: &Node) -> Vec<Text> {
    match text(node) {
        Some(one) => vec![one],
        None => node.items().iter().filter_map(text).collect(),
    }
}

fn variables(node: &Node) -> Variables {
    let variable = |entry: &Entry| {
        let name = Text { text: entry.key.clone(), span: entry.key_span };
        let value = text(&entry.value)
            .or_else(|| entry.value.is_null().then(|| Text { text: String::new(), span: entry.value.span }))?;
        Some(Variable { name, value })
    };
    Variables(node.entries().iter().filter_map(variable).collect())
}

fn default_directory(node: &Node) -> Option<Text> {
    node.get("defaults")?.get("run")?.get("working-directory").and_then(text)
}

fn permissions(node: &Node) -> Option<Permissions> {
    let entry = node.entry("permissions")?;
    let access = |word: &str| match word {
        "write" | "write-all" => Access::Write,
        "read" | "read-all" => Access::Read,
        _ => Access::None,
    };
    let (id_token, id_token_span): (_, Option<Span>) = match entry.value.as_str() {
        Some(all) => (access(all), None),
        None => match entry.value.entry("id-token") {
            Some(own) => (access(own.value.as_str().unwrap_or_default()), Some(own.value.span)),
            None => (Access::None, None),
        },
    };
    Some(Permissions { span: entry.key_span, id_token, id_token_span })
}

fn job(entry: &Entry) -> Job {
    let node = &entry.value;
    let environment = node.get("environment");
    let environment = environment.and_then(|value| text(value).or_else(|| value.get("name").and_then(text)));
    let runs_on = node.get("runs-on").map(|value| match value.get("labels") {
        Some(labels) => list(labels),
        None => list(value),
    });
    Job {
        id: Text { text: entry.key.clone(), span: entry.key_span },
        condition: node.get("if").and_then(text),
        environment: environment.filter(|name| !name.text.is_empty()),
        permissions: permissions(node),
        runs_on: runs_on.unwrap_or_default(),
        uses: node.get("uses").and_then(text),
        with: node.get("with").map(variables).unwrap_or_default(),
        env: node.get("env").map(variables).unwrap_or_default(),
        matrix: matrix(node),
        working_directory: default_directory(node),
        steps: node.get("steps").map(|steps| steps.items().iter().map(step).collect()).unwrap_or_default(),
    }
}

fn matrix(node: &Node) -> Vec<(String, Vec<String>)> {
    let Some(matrix) = node.get("strategy").and_then(|strategy| strategy.get("matrix")) else { return Vec::new() };
    let values = |entry: &Entry| {
        let texts: Option<Vec<String>> =
            entry.value.items().iter().map(|item| item.as_str().map(str::to_owned)).collect();
        texts.filter(|texts| !texts.is_empty()).map(|texts| (entry.key.clone(), texts))
    };
    matrix
        .entries()
        .iter()
        .filter(|entry| !["include", "exclude"].contains(&entry.key.as_str()))
        .filter_map(values)
        .collect()
}

fn step(node: &Node) -> Step {
    Step {
        span: node.span,
        name: node.get("name").and_then(text),
        condition: node.get("if").and_then(text),
        uses: node.get("uses").and_then(text),
        with: node.get("with").map(variables).unwrap_or_default(),
        env: node.get("env").map(variables).unwrap_or_default(),
        run: node.get("run").and_then(text),
        working_directory: node.get("working-directory").and_then(text),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn workflow(text: &str) -> Workflow {
        read(Source::new("deploy.yml", text))
    }

    fn events(text: &str) -> Vec<String> {
        workflow(text).triggers.into_iter().map(|trigger| trigger.event.text).collect()
    }

    #[test]
    fn on_in_all_its_spellings() {
        assert_eq!(events("on: push\n"), ["push"]);
        assert_eq!(events("\"on\": [push, workflow_dispatch]\n"), ["push", "workflow_dispatch"]);
        assert_eq!(events("on:\n  push:\n  pull_request:\n    branches: main\n"), ["push", "pull_request"]);
        assert_eq!(events("on:\n  schedule:\n    - cron: '0 9 * * *'\n"), ["schedule"]);
        let workflow = workflow(
            "on:\n  push:\n    branches: [main, 'release/**']\n    tags-ignore: [x]\n  workflow_call:\n    inputs:\n      target: { type: string, default: staging }\n",
        );
        let push = workflow.trigger("push").unwrap();
        assert!(push.branches.admits("release/1") && !push.branches.admits("dev"));
        assert!(push.tags.admits("v1") && !push.tags.admits("x"));
        let input = &workflow.trigger("workflow_call").unwrap().inputs[0];
        assert_eq!((input.name.as_str(), input.default.as_deref()), ("target", Some("staging")));
    }

    #[test]
    fn jobs_steps_and_places() {
        let workflow = workflow(
            "name: deploy
permissions: { id-token: write, contents: read }
env: { AWS_REGION: us-west-2, PORT: 5000, EMPTY: }
jobs:
  build:
    environment: { name: production, url: https://example.com }
    runs-on: [self-hosted, ARM64]
    permissions: read-all
    strategy: { matrix: { target: [a, b], include: [{ target: c }] } }
    defaults: { run: { working-directory: app } }
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{ secrets.ROLE }}
      - run: |
          docker build .
  call:
    environment: staging
    uses: ./.github/workflows/other.yml
    with: { target: x }
",
        );
        assert!(workflow.problems.is_empty(), "{}", workflow.problems);
        assert_eq!(workflow.permissions.as_ref().map(|p| p.id_token), Some(Access::Write));
        assert_eq!(workflow.env.get("PORT").unwrap().value.text, "5000");
        assert_eq!(workflow.env.get("EMPTY").unwrap().value.text, "");
        let build = &workflow.jobs[0];
        assert_eq!(workflow.permissions_of(build).unwrap().id_token, Access::Read);
        assert_eq!(build.environment.as_ref().unwrap().text, "production");
        assert_eq!(build.runs_on[1].text, "ARM64");
        assert_eq!(build.matrix, [("target".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(build.working_directory.as_ref().unwrap().text, "app");
        let login = &build.steps[0];
        assert!(login.is_action("aws-actions/configure-aws-credentials"));
        let role = login.with.input("Role-To-Assume").unwrap();
        assert_eq!((role.value.text.as_str(), role.value.span.start.line), ("${{ secrets.ROLE }}", 14));
        assert_eq!(build.steps[1].run.as_ref().unwrap().text, "docker build .\n");
        assert_eq!(workflow.jobs[1].uses.as_ref().unwrap().text, "./.github/workflows/other.yml");
        assert_eq!(workflow.jobs[1].environment.as_ref().unwrap().text, "staging");
    }

    #[test]
    fn a_broken_file_is_read_as_far_as_possible() {
        for text in ["", "- a\n", "on: [push\njobs:\n  a: 1\n", "on: push\njobs: 7\n", "jobs: { a: { steps: x } }\n"] {
            let _ = workflow(text);
        }
        let workflow = workflow("on: push\non: push\njobs:\n  a: {}\n");
        assert!(!workflow.problems.is_empty() && workflow.jobs.len() == 1);
    }
}
