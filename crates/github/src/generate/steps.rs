//! What the jobs of several workflows have in common.

use hatoba_model::workflows::WorkflowFacts;

use super::actions::{CACHE, CHECKOUT, CREDENTIALS, RUNNER, UPLOAD};
use super::content::Call;
use super::yaml::{Yaml, list, scalar};

/// Where hatoba comes from. There are no released binaries yet, so it is built, and kept in the cache of the repository.
const SOURCE: &str = "https://github.com/acme/hatoba";

/// What a workflow of this service, or of the whole stack, is called: `Deploy papyrus`.
pub(super) fn title(verb: &str, what: &str, facts: &WorkflowFacts) -> String {
    if what == facts.stack { format!("{verb} {what}") } else { format!("{verb} {what} of {}", facts.stack) }
}

/// `name:`, after which the triggers follow.
pub(super) fn name(out: &mut Yaml, title: &str) {
    out.add(0, &format!("name: {}", quoted(title))).blank();
}

/// A title as a scalar: words without anything that YAML would take for something else.
pub(super) fn quoted(title: &str) -> String {
    let plain = title.split(' ').all(|word| scalar(word) == word && !word.contains(':'));
    if plain { title.to_owned() } else { serde_json::Value::from(title).to_string() }
}

/// Everything between the triggers and the jobs: no permissions unless a job has them, and which runs wait for each other.
pub(super) fn frame(out: &mut Yaml, group: &str, cancel: bool, why: &str) {
    out.blank()
        .add(0, "# Each job says what it may do.\npermissions: {}")
        .blank()
        .add(0, &format!("# {why}\nconcurrency:\n  group: {group}\n  cancel-in-progress: {cancel}"))
        .blank()
        .add(0, "defaults:\n  run:\n    shell: bash")
        .blank()
        .add(0, "jobs:");
}

/// The runner of a job that assumes the role, and the environment that its token names.
pub(super) fn place(out: &mut Yaml, facts: &WorkflowFacts, minutes: u32) {
    let runner = match facts.runs_on.as_slice() {
        [] => RUNNER.to_owned(),
        [one] => scalar(one),
        several => list(several),
    };
    out.add(2, &format!("runs-on: {runner}\ntimeout-minutes: {minutes}"));
    if let Some(environment) = &facts.environment {
        out.add(2, &format!("environment: {}", scalar(environment)));
    }
}

/// The permissions of a job that reads the repository and assumes the role.
pub(super) fn may_assume(out: &mut Yaml) {
    out.add(
        2,
        "permissions:\n  contents: read\n  # For the token that AWS exchanges for credentials.\n  id-token: write",
    );
}

/// Checks the commit out. Later steps get no token of GitHub from it.
pub(super) fn checkout(out: &mut Yaml) {
    out.add(3, &format!("- name: Check out\n  uses: {}\n  with:\n    persist-credentials: false", CHECKOUT.uses()))
        .blank();
}

/// Puts hatoba on the path. Comes before the role is assumed, so that no credentials lie about while it is built; a step of this
/// job could still ask for a token and exchange it by itself.
pub(super) fn install(out: &mut Yaml) {
    let version = env!("CARGO_PKG_VERSION");
    out.add(
        3,
        &format!(
            "- name: Look for hatoba in the cache\n  id: hatoba\n  uses: {}\n  with:\n    path: ~/.cargo/bin/hatoba\n    \
             key: hatoba-${{{{ runner.os }}}}-${{{{ runner.arch }}}}-{version}",
            CACHE.uses()
        ),
    )
    .blank()
    // The release that wrote the file, and not whatever is newest: what runs with the role changes when the file does.
    .add(
        3,
        &format!(
            "- name: Build hatoba\n  if: steps.hatoba.outputs.cache-hit != 'true'\n  \
             run: cargo install --locked --git {SOURCE} --tag v{version} hatoba"
        ),
    )
    .blank();
}

/// Exchanges the run's token for credentials of the role.
pub(super) fn assume(out: &mut Yaml, facts: &WorkflowFacts) {
    out.add(3, &format!("- name: Assume the role\n  uses: {}\n  with:", CREDENTIALS.uses()));
    out.add(5, &format!("role-to-assume: {}", scalar(&facts.role)));
    out.add(5, &format!("role-session-name: {}-${{{{ github.run_id }}}}", facts.stack));
    out.add(5, &format!("aws-region: {}", scalar(&facts.region)));
    if let Some(audience) = facts.audience {
        out.add(5, &format!("audience: {audience}"));
    }
    out.blank();
}

/// A whole job that makes a plan and hands it on: the file `plan.md`, and how hatoba ended as its output `code`.
pub(super) fn planning(out: &mut Yaml, facts: &WorkflowFacts, call: &Call) {
    place(out, facts, 30);
    may_assume(out);
    out.add(2, "outputs:\n  code: ${{ steps.plan.outputs.code }}\nsteps:");
    checkout(out);
    install(out);
    assume(out, facts);
    let command = format!("{} plan --markdown --detailed-exitcode", call.hatoba());
    out.add(3, "- name: Plan\n  id: plan\n  run: |");
    out.add(
        5,
        &format!(
            "code=0\n{command} >\"$RUNNER_TEMP/plan.md\" 2>\"$RUNNER_TEMP/plan.log\" || code=$?\n\
             cat \"$RUNNER_TEMP/plan.log\" >&2\n\
             if [ ! -s \"$RUNNER_TEMP/plan.md\" ]; then\n  \
               # hatoba says why there is no plan where people read it.\n  \
               {{ printf '### hatoba: no plan\\n\\n```\\n'; tail -c 20000 \"$RUNNER_TEMP/plan.log\"; printf '```\\n'; }} >\"$RUNNER_TEMP/plan.md\"\n\
             fi\n\
             cat \"$RUNNER_TEMP/plan.md\" >>\"$GITHUB_STEP_SUMMARY\"\n\
             echo \"code=$code\" >>\"$GITHUB_OUTPUT\""
        ),
    )
    .blank()
    .add(
        3,
        &format!(
            "- name: Hand the plan on\n  uses: {}\n  with:\n    name: plan\n    path: ${{{{ runner.temp }}}}/plan.md\n    retention-days: 1",
            UPLOAD.uses()
        ),
    )
    .blank()
    .add(
        3,
        "# 0: nothing to do; 2: changes are pending. Everything else is a failure.\n\
         - name: Fail where there is no plan\n  env:\n    CODE: ${{ steps.plan.outputs.code }}\n  \
         run: test \"$CODE\" = 0 || test \"$CODE\" = 2",
    );
}
