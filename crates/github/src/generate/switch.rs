//! A workflow with a button that starts and stops a service.

use hatoba_model::workflows::{Switch, WorkflowFacts};

use super::steps::{assume, frame, name, place, quoted, title};
use super::yaml::{Yaml, scalar};

pub(super) fn write(out: &mut Yaml, facts: &WorkflowFacts, switch: &Switch) {
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
    place(out, facts, 20);
    out.add(2, "permissions:\n  # For the token that AWS exchanges for credentials.\n  id-token: write\nsteps:");
    assume(out, facts);
    out.add(3, "- name: Switch\n  env:");
    out.add(5, "ACTION: ${{ inputs.action }}");
    out.add(5, &format!("CLUSTER: {}\nSERVICE: {}", scalar(&switch.cluster), scalar(&switch.name)));
    out.add(5, &format!("COPIES: \"{}\"", switch.count));
    out.add(4, "run: |").add(
        5,
        "if [ \"$ACTION\" = stop ]; then COPIES=0; fi\n\
         aws ecs update-service --cluster \"$CLUSTER\" --service \"$SERVICE\" --desired-count \"$COPIES\" \\\n  \
           --query 'service.{service: serviceName, desired: desiredCount, running: runningCount}'\n\
         aws ecs wait services-stable --cluster \"$CLUSTER\" --services \"$SERVICE\"",
    );
    out.blank().keep(3, "after-switch");
}
