//! A workflow that builds an image, pushes it and deploys it.

use hatoba_model::workflows::{Deploy, WorkflowFacts};

use super::actions::{BUILD, BUILDX, ECR_LOGIN, QEMU};
use super::content::Call;
use super::steps::{assume, checkout, frame, install, may_assume, name, place, quoted, title};
use super::yaml::{Yaml, list, scalar};

pub(super) fn write(out: &mut Yaml, facts: &WorkflowFacts, deploy: &Deploy, call: &Call) {
    name(out, &title("Deploy", &deploy.service, facts));
    triggers(out, deploy);
    // The same group as that of the switch of this service: one at a time, and none is thrown away half done.
    let group = format!("hatoba-{}-{}", facts.stack, deploy.service);
    frame(
        out,
        &scalar(&group),
        false,
        "A deployment is let finish before the next one begins. Of those that wait GitHub keeps the newest.",
    );
    let what = quoted(&format!("Build, push and deploy {}", deploy.service));
    out.add(1, "deploy:").add(2, &format!("name: {what}"));
    place(out, facts, 60);
    may_assume(out);
    out.add(2, "env:");
    out.add(3, &format!("IMAGE: {}/{}:${{{{ github.sha }}}}", deploy.registry, deploy.repository));
    out.add(3, &format!("SERVICE: {}\nCONTAINER: {}", scalar(&deploy.service), scalar(&deploy.container)));
    out.add(2, "# Keys of the job, such as `needs:`.").keep(2, "job");
    out.add(2, "steps:");
    checkout(out);
    out.add(3, "# Steps before the role is assumed. They could get credentials all the same: what runs code of others,\n# such as tests, belongs into a job of its own with `contents: read`, further down.").keep(3, "before-build").blank();
    install(out);
    builder(out, facts, deploy);
    assume(out, facts);
    login(out, deploy);
    build(out, facts, deploy);
    out.add(3, "# Steps with the credentials of the role, such as a migration of the database.");
    out.keep(3, "before-deploy").blank();
    out.add(3, "- name: Deploy");
    // As a block: whatever the path of the stack file is, no word of it means anything to YAML.
    out.add(4, "run: |");
    out.add(5, &format!("{} deploy \"$SERVICE\" --image \"$CONTAINER=$IMAGE\"", call.hatoba())).blank();
    out.keep(3, "after-deploy").blank();
    out.add(1, "# Further jobs.").keep(1, "jobs");
}

fn triggers(out: &mut Yaml, deploy: &Deploy) {
    out.add(0, "on:\n  push:");
    for (key, patterns) in [("branches", &deploy.branches), ("tags", &deploy.tags)] {
        if !patterns.is_empty() {
            out.add(2, &format!("{key}: {}", list(patterns)));
        }
    }
    out.add(2, "# Further filters, such as `paths:`.").keep(2, "push");
    out.add(1, "workflow_dispatch:");
}

/// Sets up buildx, and QEMU where the runner has another processor than the task.
fn builder(out: &mut Yaml, facts: &WorkflowFacts, deploy: &Deploy) {
    let arm = facts.runs_on.iter().any(|label| is_arm(label));
    let architecture = deploy.platform.rsplit('/').next().unwrap_or_default();
    if arm != (architecture == "arm64") {
        let with = format!("  with:\n    platforms: {architecture}");
        out.add(3, &format!("- name: Emulate {architecture}\n  uses: {}\n{with}", QEMU.uses())).blank();
    }
    out.add(3, &format!("- name: Set up buildx\n  uses: {}", BUILDX.uses())).blank();
}

/// Whether a runner with this label has an Arm processor: GitHub's own are called `ubuntu-24.04-arm`, others bear `ARM64`.
fn is_arm(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    label.contains("arm64") || label.contains("aarch64") || label.ends_with("-arm") || label == "arm"
}

fn login(out: &mut Yaml, deploy: &Deploy) {
    out.add(3, &format!("- name: Sign in to ECR\n  uses: {}", ECR_LOGIN.uses()));
    if let Some((region, account)) = &deploy.elsewhere {
        out.add(4, &format!("env:\n  AWS_REGION: {}\nwith:\n  registries: \"{account}\"", scalar(region)));
    }
    out.blank();
}

fn build(out: &mut Yaml, facts: &WorkflowFacts, deploy: &Deploy) {
    if deploy.immutable {
        // A run that is started again finds its image there.
        out.add(3, "- name: Look for the image\n  id: image\n  env:");
        let region = deploy.elsewhere.as_ref().map_or(&facts.region, |(region, _)| region);
        let account = deploy.registry.split('.').next().unwrap_or_default();
        out.add(5, &format!("REGISTRY: \"{account}\"\nREPOSITORY: {}", scalar(&deploy.repository)));
        out.add(5, &format!("REGION: {}", scalar(region)));
        out.add(4, "run: |");
        out.add(
            5,
            "there=false\n\
             if aws ecr describe-images --region \"$REGION\" --registry-id \"$REGISTRY\" \\\n  \
               --repository-name \"$REPOSITORY\" --image-ids \"imageTag=$GITHUB_SHA\" >/dev/null 2>&1; then\n  \
               there=true\n\
             fi\n\
             echo \"there=$there\" >>\"$GITHUB_OUTPUT\"",
        )
        .blank();
    }
    out.add(3, "- name: Build and push");
    if deploy.immutable {
        out.add(4, "# The repository takes no tag twice.\nif: steps.image.outputs.there != 'true'");
    }
    out.add(4, &format!("uses: {}\nwith:", BUILD.uses()));
    out.add(5, &format!("context: {}", scalar(&deploy.context)));
    if let Some(file) = &deploy.dockerfile {
        out.add(5, &format!("file: {}", scalar(file)));
    }
    let scope = scalar(&format!("{}-{}", facts.stack, deploy.container));
    out.add(5, &format!("platforms: {}\npush: true\ntags: ${{{{ env.IMAGE }}}}", deploy.platform));
    out.add(5, "# An attestation would make a list of two out of one image.\nprovenance: false");
    let scope = scope.trim_matches('"');
    out.add(5, &format!("cache-from: type=gha,scope={scope}\ncache-to: type=gha,mode=max,scope={scope}")).blank();
}
