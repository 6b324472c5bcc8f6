//! A workflow that shows on each pull request what merging it would bring, in one comment that is kept up to date.

use hatoba_model::workflows::WorkflowFacts;

use super::actions::{DOWNLOAD, RUNNER};
use super::content::Call;
use super::steps::{frame, name, planning, title};
use super::yaml::{Yaml, list};

pub(super) fn write(out: &mut Yaml, facts: &WorkflowFacts, branches: &[String], call: &Call) {
    name(out, &title("Plan", &facts.stack, facts));
    out.add(0, "on:\n  pull_request:");
    if !branches.is_empty() {
        out.add(2, &format!("branches: {}", list(branches)));
    }
    out.add(2, "# Further filters, such as `paths:`.").keep(2, "pull-request");
    let group = format!("plan-{}-${{{{ github.event.pull_request.number }}}}", facts.stack);
    frame(out, &group, true, "Only the last push counts.");
    out.add(1, "plan:").add(2, "name: Plan");
    out.add(
        2,
        "# Runs for forks get no token.\nif: github.event.pull_request.head.repo.full_name == github.repository",
    );
    planning(out, facts, call);
    out.blank().add(1, "# Only this job may write, and it runs nothing of the pull request.\ncomment:");
    out.add(
        2,
        &format!(
            "name: Comment\nneeds: plan\nif: ${{{{ !cancelled() && needs.plan.outputs.code != '' }}}}\n\
             runs-on: {RUNNER}\ntimeout-minutes: 5\npermissions:\n  pull-requests: write\nsteps:"
        ),
    );
    out.add(3, &format!("- name: Take the plan\n  uses: {}\n  with:\n    name: plan", DOWNLOAD.uses())).blank();
    out.add(3, "- name: Comment\n  env:\n    GH_TOKEN: ${{ github.token }}\n    NUMBER: ${{ github.event.pull_request.number }}");
    out.add(5, &format!("MARK: \"<!-- hatoba {} {} -->\"", facts.stack, facts.address));
    out.add(4, "run: |").add(
        5,
        "{ printf '%s\\n' \"$MARK\"; cat plan.md; } >body.md\n\
         comments=\"repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments\"\n\
         mine=\".[] | select(.user.login == \\\"github-actions[bot]\\\" and (.body | startswith(\\\"$MARK\\\"))) | .id\"\n\
         id=$(gh api --paginate \"$comments?per_page=100\" --jq \"$mine\" | tail -n 1)\n\
         if [ -n \"$id\" ]; then\n  \
           gh api --silent --method PATCH \"repos/$GITHUB_REPOSITORY/issues/comments/$id\" --field body=@body.md\n\
         else\n  \
           gh api --silent --method POST \"$comments\" --field body=@body.md\n\
         fi",
    );
    out.blank().add(1, "# Further jobs.").keep(1, "jobs");
}
