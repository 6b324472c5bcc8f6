//! A world in which a scenario is played, and the run that is shown.

use std::sync::Arc;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::{Invocation, Run};
use hatoba_tests::plays::slow::rollout_script::Script;
use hatoba_tests::plays::slow::rollouts::Rollouts;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::json;

/// A scenario that is about to be played.
pub(crate) struct Played {
    pub(crate) world: World,
    pub(crate) script: Script,
    pub(crate) play: Arc<Rollouts>,
}

impl Played {
    /// A stack with one service, which runs already unless the scenario is about the first deployment.
    pub(crate) fn new(scenario: &str) -> Self {
        let script = Script::read(scenario).unwrap();
        let world = World::new(Kind::Ministack).unwrap();
        let play = Arc::new(Rollouts::new(script.clone()));
        world.proxy().add_play(Arc::clone(&play) as _);
        let file = json!({
            "log_groups": { "/ecs/papyrus": {} },
            "clusters": { "papyrus": {} },
            "security_groups": { "papyrus": { "description": "papyrus" } },
            "roles": { "execution": {
                "trust": { "service": "ecs-tasks.amazonaws.com" },
                "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
            } },
            "task_definitions": { "papyrus": {
                "cpu": 256, "memory": 512, "execution_role": "execution",
                "containers": { "app": {
                    "image": { "repository": { "existing": "acme/papyrus" }, "live": true, "bootstrap": "nginx:1" },
                    "logs": "/ecs/papyrus",
                } },
            } },
            "services": { "papyrus": {
                "cluster": "papyrus", "task_definition": "papyrus", "desired_count": 1,
                "network": { "security_groups": ["papyrus"], "public_ip": true },
            } },
        });
        world.write_stack(&file).unwrap();
        if !script.first {
            world.hatoba(&["apply", "--yes", "--no-wait"]).unwrap().expect_code(0).unwrap();
        }
        // Service and tasks are read at the same time. The play goes on with the read of the service; the tasks are to be those of
        // that moment, also on a busy machine.
        let after = Act::Delay(Duration::from_millis(60));
        world.proxy().set_rules(vec![Rule::on("ecs", "ListTasks", after)]);
        play.arm();
        Self { world, script, play }
    }

    /// The command of the scenario, with other options besides.
    pub(crate) fn command(&self, more: &[&str]) -> Invocation<'_> {
        let image = "app=public.ecr.aws/acme/papyrus:v2";
        let mut words = if self.script.first { vec!["apply", "--yes"] } else { vec!["deploy", "--image", image] };
        words.extend(["--every", "20ms"]);
        words.extend(self.script.args.iter().map(String::as_str));
        words.extend(more);
        self.world.hatoba_command(&words).unwrap()
    }
}

/// Runs the command of a scenario to its end.
pub(crate) fn run(played: &Played) -> Run {
    match played.command(&[]).run() {
        Ok(run) => run,
        Err(error) => panic!("{error:?}"),
    }
}
