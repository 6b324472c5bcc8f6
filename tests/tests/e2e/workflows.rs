//! Workflow files: planned, written, kept current, taken over, let go of and deleted like everything else.

use std::fs;
use std::path::PathBuf;

use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;

use crate::helpers::{nothing_to_do, run, run_json, said, says};

const DEPLOY: &str = ".github/workflows/deploy.yml";
const PLAN: &str = ".github/workflows/plan.yml";

/// A stack of what is quick to make, with workflow files.
fn stack(more: &str, workflows: &str) -> String {
    format!(
        "stack: papyrus\nregion: us-west-2\n\
         github: {{ repository: acme/papyrus, owner_id: 1234567, repository_id: 7654321, branches: [main] }}\n\
         oidc_providers:\n  github: {{ url: https://token.actions.githubusercontent.com, client_ids: [sts.amazonaws.com] }}\n\
         roles:\n  \
           execution: {{ trust: {{ service: ecs-tasks.amazonaws.com }}, managed_policies: [service-role/AmazonECSTaskExecutionRolePolicy] }}\n  \
           papyrus-deploy: {{ trust: {{ github: {{}} }}, grants: [{{ push: papyrus }}, {{ deploy: papyrus }}] }}\n  \
           papyrus-plan: {{ trust: {{ github: {{ pull_requests: true }} }}, managed_policies: [ReadOnlyAccess] }}\n\
         repositories: {{ papyrus: {{ on_destroy: empty }} }}\n\
         clusters: {{ papyrus: {{}} }}\n\
         security_groups: {{ papyrus: {{ description: papyrus service }} }}\n\
         task_definitions:\n  papyrus:\n    cpu: 256\n    memory: 512\n    architecture: arm64\n    execution_role: execution\n    \
           containers:\n      app: {{ image: {{ repository: papyrus, live: true, bootstrap: \"public.ecr.aws/docker/library/nginx:alpine\" }} }}\n\
         services:\n  papyrus: {{ cluster: papyrus, task_definition: papyrus, network: {{ subnets: default, public_ip: true, security_groups: [papyrus] }} }}\n\
         {more}workflows:\n{workflows}"
    )
}

const BOTH: &str =
    "  .github/workflows/deploy.yml: { deploys: papyrus }\n  .github/workflows/plan.yml: { plan: true }\n";

/// A world whose directory is a repository, with this stack file in it.
fn world(text: &str) -> World {
    let world = World::new(Kind::Ministack).unwrap();
    fs::create_dir(world.work().join(".git")).unwrap();
    put(&world, text);
    world
}

fn put(world: &World, text: &str) {
    world.write("stack.yaml", text.replace("us-west-2", &world.lease().region)).unwrap();
}

fn file(world: &World, path: &str) -> PathBuf {
    world.work().join(path)
}

fn edit(world: &World, path: &str, from: &str, to: &str) {
    let text = world.read(path).unwrap();
    assert!(text.contains(from), "{text}");
    world.write(path, text.replace(from, to)).unwrap();
}

#[test]
fn they_are_written_kept_current_and_deleted() {
    let world = world(&stack("", BOTH));
    let plan = run(&world, &["plan"], 0);
    says(&plan, &["+ workflow.deploy.yml", "named .github/workflows/deploy.yml", "platforms: linux/arm64"]);
    assert!(!file(&world, ".github").exists(), "a plan writes nothing");
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    let text = world.read(DEPLOY).unwrap();
    assert!(text.starts_with("# hatoba: stack=papyrus resource=workflow.deploy.yml origin=created\n"), "{text}");
    let role = format!("role-to-assume: arn:aws:iam::{}:role/papyrus-deploy", world.lease().account);
    assert!(text.contains(&role), "{text}");

    // What the stack file says differently, the workflows say differently.
    for (from, to, shows) in [
        ("architecture: arm64", "architecture: x86_64", &["- platforms: linux/arm64", "+ platforms: linux/amd64"][..]),
        ("papyrus-deploy: {", "papyrus-deploy: { name: Deployer,", &[":role/papyrus-deploy", ":role/Deployer"]),
        (
            "papyrus: { on_destroy: empty }",
            "papyrus: { name: acme/papyrus, on_destroy: empty }",
            &["/acme/papyrus:${{"],
        ),
    ] {
        let before = world.read("stack.yaml").unwrap();
        edit(&world, "stack.yaml", from, to);
        let plan = run(&world, &["plan"], 0);
        says(&plan, &["~ workflow.deploy.yml", "write file"]);
        says(&plan, shows);
        world.write("stack.yaml", before).unwrap();
    }

    // What somebody wrote in their part stays, what they wrote elsewhere is shown and taken back.
    edit(
        &world,
        DEPLOY,
        "      # hatoba:keep before-build\n",
        "      # hatoba:keep before-build\n      - name: Test\n        run: make test\n",
    );
    nothing_to_do(&world);
    edit(&world, DEPLOY, "timeout-minutes: 60", "timeout-minutes: 5");
    let drift = run(&world, &["plan", "--detailed-exitcode"], 2);
    says(&drift, &["~ workflow.deploy.yml", "- timeout-minutes: 5", "+ timeout-minutes: 60"]);
    assert!(!said(&drift).contains("make test"), "{drift:?}");
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    let text = world.read(DEPLOY).unwrap();
    assert!(text.contains("run: make test") && text.contains("timeout-minutes: 60"), "{text}");
    // A work tree of Windows.
    world.write(DEPLOY, text.replace('\n', "\r\n")).unwrap();
    nothing_to_do(&world);

    // A copy is nobody's; what was deleted comes back; what left the file goes.
    fs::copy(file(&world, DEPLOY), file(&world, ".github/workflows/copy.yml")).unwrap();
    fs::remove_file(file(&world, DEPLOY)).unwrap();
    says(&run(&world, &["apply", "--yes"], 0), &["1 to add, 0 to change, 0 to replace, 0 to delete"]);
    put(&world, &stack("", "  .github/workflows/deploy.yml: { deploys: papyrus }\n"));
    says(&run(&world, &["apply", "--yes"], 0), &["- workflow.plan.yml", "not in the file any more"]);
    assert!(file(&world, DEPLOY).exists() && !file(&world, PLAN).exists());

    let destroyed = run(&world, &["destroy", "--yes"], 0);
    says(&destroyed, &["- workflow.deploy.yml", "nothing of papyrus is left"]);
    assert!(!file(&world, DEPLOY).exists());
    assert!(file(&world, ".github/workflows/copy.yml").exists());
}

#[test]
fn what_others_wrote_is_refused_adopted_and_let_go_of() {
    let only = "  .github/workflows/deploy.yml: { deploys: papyrus }\n";
    let world = world(&stack("", only));
    let theirs = "name: mine\non: push\njobs: {}\n";
    world.write(DEPLOY, theirs).unwrap();
    for arguments in [&["plan"][..], &["apply", "--yes"]] {
        let refused = run(&world, arguments, 6);
        let problem = "refused: workflow.deploy.yml: a workflow file `.github/workflows/deploy.yml` exists already";
        says(&refused, &[problem, "with `adopt: true`"]);
    }
    assert_eq!(world.read(DEPLOY).unwrap(), theirs);
    let other = "# hatoba: stack=quay resource=workflow.deploy.yml origin=created\nname: x\n";
    world.write(DEPLOY, other).unwrap();
    says(&run(&world, &["plan"], 6), &["belongs to the stack `quay`"]);
    assert_eq!(world.read(DEPLOY).unwrap(), other);

    world.write(DEPLOY, theirs).unwrap();
    put(&world, &stack("", &only.replace(" }", ", adopt: true }")));
    let adopted = run(&world, &["apply", "--yes"], 0);
    says(&adopted, &["exists already and is taken over", "- name: mine", "+ name: Deploy papyrus"]);
    nothing_to_do(&world);
    assert!(world.read(DEPLOY).unwrap().contains("origin=adopted"));

    // Written by hand from now on: it has to be there, and nothing is done to it.
    world.write(DEPLOY, theirs).unwrap();
    put(&world, &stack("", "  .github/workflows/deploy.yml: { existing: true }\n"));
    nothing_to_do(&world);
    fs::remove_file(file(&world, DEPLOY)).unwrap();
    says(&run(&world, &["plan"], 6), &["does not exist, and the file says `existing: true`"]);

    put(&world, &stack("", &only.replace(" }", ", retain: true }")));
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    says(&run(&world, &["destroy", "--yes"], 0), &["< workflow.deploy.yml"]);
    assert!(world.read(DEPLOY).unwrap().starts_with("name: Deploy papyrus\n"));
}

#[test]
fn a_saved_plan_holds_files_too() {
    let world = world(&stack("", BOTH));
    run(&world, &["plan", "--out", "plan.json"], 0);
    world.write(PLAN, "name: mine\n").unwrap();
    says(&run(&world, &["apply", "plan.json"], 6), &["the saved plan no longer applies"]);
    fs::remove_file(file(&world, PLAN)).unwrap();
    run(&world, &["apply", "plan.json"], 0);
    assert!(file(&world, PLAN).exists());
    nothing_to_do(&world);
    run(&world, &["destroy", "--yes"], 0);
    assert!(!file(&world, ".github").exists());
}

#[test]
fn the_top_of_the_repository_is_found_and_links_are_refused() {
    let world = world(&stack("", BOTH));
    let inner = stack("environments: { staging: {} }\n", BOTH).replace("us-west-2", &world.lease().region);
    world.write("infra/stack.yaml", inner).unwrap();
    let arguments = ["-f", "infra/stack.yaml", "--env", "staging", "plan"];
    let plan = run(&world, &arguments, 0);
    says(&plan, &["+ workflow.deploy-staging.yml", "hatoba -f infra/stack.yaml --env staging deploy \"$SERVICE\""]);

    #[cfg(unix)]
    {
        let outside = world.home().join("elsewhere");
        fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, file(&world, ".github")).unwrap();
        says(&run(&world, &["apply", "--yes"], 1), &["links are not followed"]);
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}

#[test]
fn variables_of_the_repository_are_printed() {
    let world = world(&stack("", BOTH));
    let account = world.lease().account.to_string();
    let printed = run(&world, &["github", "vars"], 0);
    let role = format!("AWS_ROLE_ARN --repo acme/papyrus --body arn:aws:iam::{account}:role/papyrus-deploy");
    says(&printed, &[&format!("AWS_ACCOUNT_ID {account}"), &format!("gh variable set {role}")]);
    let json = run_json(&world, &["github", "vars"], 0);
    assert_eq!(json["repository"], "acme/papyrus");
    let names: Vec<&str> =
        json["variables"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert!(names.starts_with(&["AWS_ACCOUNT_ID", "AWS_REGION", "AWS_ROLE_ARN"]), "{names:?}");
}
