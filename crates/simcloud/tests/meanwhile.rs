//! What others do between the look and the run.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use hatoba_engine::cloud::Cloud;
use hatoba_engine::execute::Outcome;
use hatoba_engine::plan::{Intent, Plan, plan};
use hatoba_provider::desire::goal;
use hatoba_simcloud::script::{brief, carry_out, facts, read};
use hatoba_simcloud::world::World;

const GROUP: &str = "stack: papyrus\nregion: us-west-2\nlog_groups: { /ecs/papyrus: { retention_days: DAYS } }\n";

const TASK: &str = "stack: papyrus
region: us-west-2
task_definitions:
  papyrus: { cpu: 256, memory: MEMORY, containers: { app: { image: 'nginx:alpine' } } }
";

async fn look(world: &World, text: &str, intent: Intent) -> Plan {
    let stack = read(text, None, world.facts()).unwrap();
    world.set_stack(&stack);
    let goal = goal(&stack, world.facts());
    plan(&goal, &world.survey(&goal).await, intent).unwrap()
}

async fn apply(world: &World, text: &str) {
    let plan = look(world, text, Intent::Present).await;
    assert!(carry_out(&plan, world).await.is_complete());
}

fn failures(outcome: &Outcome) -> Vec<String> {
    outcome.failed().map(|(_, error)| error.to_string()).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn what_another_run_of_the_stack_created_is_changed_as_if_it_had_been_seen() {
    let world = World::new(facts().unwrap());
    let late = look(&world, &GROUP.replace("DAYS", "30"), Intent::Present).await;
    apply(&world, &GROUP.replace("DAYS", "14")).await;
    world.take_calls();
    let outcome = carry_out(&late, &world).await;
    assert!(outcome.is_complete(), "{:?}", failures(&outcome));
    assert_eq!(world.take_calls(), ["PutRetentionPolicy log_group./ecs/papyrus"]);
    let again = look(&world, &GROUP.replace("DAYS", "30"), Intent::Present).await;
    assert!(again.is_empty(), "{}", brief(&again));
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_changed_or_is_not_ours_stops_the_run() {
    let world = World::new(facts().unwrap());
    let text = GROUP.replace("DAYS", "30");
    let late = look(&world, &text, Intent::Present).await;
    apply(&world, &text.replace("retention_days: 30", "class: infrequent_access")).await;
    let outcome = carry_out(&late, &world).await;
    assert!(failures(&outcome).join(" ").contains("somebody else has created the log group"), "{outcome:?}");

    let world = World::new(facts().unwrap());
    let late = look(&world, &text, Intent::Present).await;
    apply(&world, &text.replace("stack: papyrus", "stack: other")).await;
    world.take_calls();
    let outcome = carry_out(&late, &world).await;
    assert!(failures(&outcome).join(" ").contains("somebody else has created the log group"), "{outcome:?}");
    assert_eq!(world.take_calls(), Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread")]
async fn a_revision_that_somebody_registers_meanwhile_is_named_and_neither_covered_nor_forgotten() {
    for (memory, intent) in [("1024", Intent::Present), ("512", Intent::Absent)] {
        let world = World::new(facts().unwrap());
        apply(&world, &TASK.replace("MEMORY", "512")).await;
        let late = look(&world, &TASK.replace("MEMORY", memory), intent).await;
        assert!(world.deploy("papyrus", "app", "nginx:2"));
        world.take_calls();
        let outcome = carry_out(&late, &world).await;
        assert_eq!(
            failures(&outcome),
            ["changed by someone else since this plan: the task definition `papyrus` has a newer revision"]
        );
        assert_eq!(world.take_calls(), Vec::<String>::new());
    }
}
