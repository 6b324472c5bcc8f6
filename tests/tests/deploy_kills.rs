//! `hatoba deploy` and `hatoba rollback` killed anywhere and run again: the image runs, nothing is registered twice, and no plan takes
//! anything back.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use hatoba_tests::emulator::Kind;
use hatoba_tests::pipeline;
use hatoba_tests::proxy::Phase;
use hatoba_tests::torture::table::Table;
use hatoba_tests::torture::{full, reads};
use hatoba_tests::world::World;
use serde_json::{Value, json};

fn file() -> Value {
    let mut file = pipeline::file("info");
    // All stay, so that they can be counted.
    file["task_definitions"]["papyrus"]["keep_revisions"] = json!(1000);
    file
}

/// The image that the service runs, and how many active revisions there are.
fn state(world: &World) -> (String, usize) {
    let ask = |action: &str, question: Value| world.aws("ecs", action, &question).unwrap().json().unwrap();
    let services = ask("DescribeServices", json!({ "cluster": "papyrus", "services": ["papyrus"] }));
    let revision = services["services"][0]["taskDefinition"].clone();
    let task = ask("DescribeTaskDefinition", json!({ "taskDefinition": revision }));
    let image = task["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().to_owned();
    let (mut revisions, mut token) = (0, Value::Null);
    loop {
        let mut question = json!({ "familyPrefix": "papyrus" });
        if token.is_string() {
            question["nextToken"] = token;
        }
        let page = ask("ListTaskDefinitions", question);
        revisions += page["taskDefinitionArns"].as_array().unwrap().len();
        token = page["nextToken"].clone();
        if !token.is_string() {
            return (image, revisions);
        }
    }
}

fn image(tag: &str) -> String {
    format!("public.ecr.aws/acme/papyrus:{tag}")
}

/// A world in which the command goes from one image to the other.
struct Matrix {
    world: World,
    table: Vec<Vec<String>>,
    broken: Vec<String>,
}

impl Matrix {
    fn new(kind: Kind) -> Self {
        let world = World::new(kind).unwrap();
        world.write_stack(&file()).unwrap();
        world.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
        Self { world, table: Vec::new(), broken: Vec::new() }
    }

    fn deploy(&self, tag: &str) {
        let run = self.world.hatoba(&["deploy", "--image", &format!("app={}", image(tag))]).unwrap();
        run.expect_code(0).unwrap();
    }

    /// Kills a command before and after each of its calls; `prepare` brings the service to where it begins. A rollback that was killed when
    /// ECS had been told already has done what it should: once more would go forward again.
    fn run(
        &mut self,
        kind: Kind,
        name: &str,
        prepare: &dyn Fn(&Self, usize),
        command: &dyn Fn(usize) -> Vec<String>,
        goal: &dyn Fn(usize) -> String,
        repeats: bool,
    ) {
        let world = &self.world;
        prepare(self, 0);
        world.proxy().clear_log();
        let words = command(0);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        world.hatoba(&words).unwrap().expect_code(0).unwrap();
        let calls = world.proxy().calls();
        let first = calls.iter().position(|call| !reads(&call.action)).unwrap();
        let (mut tried, mut broken) = (0, Vec::new());
        for (n, k) in (if full() { 1 } else { first + 1 }..=calls.len()).enumerate() {
            for (side, phase) in [Phase::Before, Phase::After].into_iter().enumerate() {
                let round = 2 * n + side + 1;
                prepare(self, round);
                let (before, revisions) = state(world);
                let words = command(round);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let k = u64::try_from(k).unwrap();
                let killed = world.hatoba_command(&words).unwrap().kill_at(k, phase).run().unwrap();
                tried += usize::from(killed.signal.is_some());
                let mut wrong = |what: String| broken.push(format!("{name}, {phase:?} {k}: {what}"));
                // Whatever was reached, a plan has nothing to take back, and an apply nothing to do.
                let apply = world.hatoba(&["apply", "--yes"]).unwrap();
                if apply.code != Some(0) || !apply.stdout.contains("No changes.") {
                    wrong(format!("an apply finds something to do: {apply:?}"));
                }
                let goal = goal(round);
                if repeats || state(world).0 == before {
                    let again = world.hatoba(&words).unwrap();
                    if again.code != Some(0) {
                        wrong(format!("{again:?}"));
                    }
                }
                let is = state(world);
                if is != (goal.clone(), revisions + 1) {
                    wrong(format!("is {is:?} instead of {goal} with {} revisions", revisions + 1));
                }
                let plan = world.hatoba(&["plan", "--detailed-exitcode"]).unwrap();
                if plan.code != Some(0) {
                    wrong(format!("the plan is not empty: {plan:?}"));
                }
            }
        }
        let row = [
            kind.name().to_owned(),
            name.to_owned(),
            calls.len().to_string(),
            tried.to_string(),
            broken.len().to_string(),
        ];
        self.table.push(row.into());
        self.broken.extend(broken);
    }
}

fn matrix(kind: Kind) {
    let mut matrix = Matrix::new(kind);
    let deploy = |round: usize| {
        ["deploy".to_owned(), "--image".to_owned(), format!("app={}", image(&format!("v{round}")))].to_vec()
    };
    matrix.run(kind, "deploy", &|_, _| {}, &deploy, &|round| image(&format!("v{round}")), true);
    let two = |matrix: &Matrix, round: usize| {
        matrix.deploy(&format!("good{round}"));
        matrix.deploy(&format!("bad{round}"));
    };
    let back = |_: usize| ["rollback".to_owned()].to_vec();
    matrix.run(kind, "rollback", &two, &back, &|round| image(&format!("good{round}")), false);
    let mut table = Table::new(&["emulator", "command", "calls", "points tried", "broken"]);
    matrix.table.iter().for_each(|row| table.row(row.clone()));
    assert!(matrix.table.iter().all(|row| row[3] != "0"), "nothing was killed");
    println!("deploy and rollback, killed and run again:\n{table}");
    assert!(matrix.broken.is_empty(), "{} broken:\n{}", matrix.broken.len(), matrix.broken.join("\n\n"));
}

#[test]
fn killed_anywhere_and_run_again_on_ministack() {
    matrix(Kind::Ministack);
}

#[test]
fn killed_anywhere_and_run_again_on_moto() {
    if full() {
        matrix(Kind::Moto);
    }
}
