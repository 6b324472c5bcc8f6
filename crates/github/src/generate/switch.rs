//! A workflow with a button that starts and stops a service.

use hatoba_model::workflows::{Switch, WorkflowFacts};

use super::content::Call;
use super::steps::{assume, checkout, frame, install, may_assume, name, place, quoted, title};
use super::yaml::{Yaml, scalar};

pub(super) fn write(out: &mut Yaml, facts: &WorkflowFacts, switch: &Switch, call: &Call) {
    name(out, &title("Start or stop", &switch.service, facts));
    out.add(
        0,
        "on:\n  workflow_dispatch:\n    inputs:\n      action:\n        description: What to do\n        type: choice\n        \
         options: [start, stop]\n        required: true",
    );
    let group = scalar(&format!("hatoba-{}-{}", facts.stack, switch.service));
    frame(
        out,
        &group,
        false,
        "Waits for a deployment of the same service to end. Of the runs that wait GitHub keeps the newest.",
    );
    out.add(1, "switch:").add(2, &format!("name: {}", quoted(&format!("Switch {}", switch.service))));
    // The first run builds hatoba.
    place(out, facts, 40);
    may_assume(out);
    out.add(2, "steps:");
    checkout(out);
    install(out);
    assume(out, facts);
    out.add(3, "- name: Switch\n  env:");
    out.add(5, "ACTION: ${{ inputs.action }}");
    out.add(5, &format!("SERVICE: {}", scalar(&switch.service)));
    let hatoba = call.hatoba();
    out.add(4, "run: |").add(
        5,
        &format!(
            "case \"$ACTION\" in\n  start) {hatoba} up \"$SERVICE\" ;;\n  stop) {hatoba} down \"$SERVICE\" ;;\nesac"
        ),
    );
    out.blank().keep(3, "after-switch");
}
