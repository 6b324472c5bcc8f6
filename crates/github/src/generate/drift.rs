//! A workflow that compares AWS with the file at certain times, and keeps one issue open while they differ.

use hatoba_model::workflows::WorkflowFacts;

use super::actions::{DOWNLOAD, RUNNER};
use super::content::Call;
use super::steps::{frame, name, planning, title};
use super::yaml::Yaml;

pub(super) fn write(out: &mut Yaml, facts: &WorkflowFacts, times: &str, call: &Call) {
    name(out, &title("Look for drift in", &facts.stack, facts));
    out.add(0, &format!("on:\n  schedule:\n    # In UTC.\n    - cron: \"{times}\"\n  workflow_dispatch:"));
    frame(out, &format!("drift-{}", facts.stack), false, "One look at a time, so that there is one issue.");
    out.add(1, "look:").add(2, "name: Look");
    planning(out, facts, call);
    out.blank().add(1, "# Only this job may write.\nissue:");
    out.add(
        2,
        &format!(
            "name: Issue\nneeds: look\n\
             if: ${{{{ !cancelled() && (needs.look.outputs.code == '0' || needs.look.outputs.code == '2') }}}}\n\
             runs-on: {RUNNER}\ntimeout-minutes: 5\npermissions:\n  issues: write\nsteps:"
        ),
    );
    out.add(3, &format!("- name: Take the plan\n  uses: {}\n  with:\n    name: plan", DOWNLOAD.uses())).blank();
    out.add(3, "- name: Open, update or close the issue\n  env:\n    GH_TOKEN: ${{ github.token }}");
    out.add(5, "CODE: ${{ needs.look.outputs.code }}");
    out.add(5, &format!("MARK: \"<!-- hatoba {} {} -->\"", facts.stack, facts.address));
    out.add(5, &format!("TITLE: \"{}: AWS differs from the file\"", facts.stack));
    out.add(5, "RUN: ${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}");
    out.add(4, "run: |").add(
        5,
        "issues=\"repos/$GITHUB_REPOSITORY/issues\"\n\
         mine=\".[] | select(.pull_request == null and .user.login == \\\"github-actions[bot]\\\")\n  \
           | select(.body // \\\"\\\" | startswith(\\\"$MARK\\\")) | .number\"\n\
         number=$(gh api --paginate \"$issues?state=open&per_page=100\" --jq \"$mine\" | tail -n 1)\n\
         if [ \"$CODE\" = 0 ]; then\n  \
           if [ -n \"$number\" ]; then\n    \
             gh api --silent --method POST \"$issues/$number/comments\" --field body=\"Nothing differs any more: $RUN\"\n    \
             gh api --silent --method PATCH \"$issues/$number\" --field state=closed\n  \
           fi\n  \
           exit 0\n\
         fi\n\
         { printf '%s\\n' \"$MARK\"; cat plan.md; printf '\\nSeen by %s\\n' \"$RUN\"; } >body.md\n\
         if [ -n \"$number\" ]; then\n  \
           gh api --silent --method PATCH \"$issues/$number\" --field body=@body.md\n\
         else\n  \
           gh api --silent --method POST \"$issues\" --field title=\"$TITLE\" --field body=@body.md\n\
         fi",
    );
    out.blank().add(1, "# Further jobs.").keep(1, "jobs");
}
