//! A user of an account, with a policy and a key, who runs the binary.

use std::collections::BTreeSet;
use std::path::Path;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// The user's name, and the name of the one policy that is the user's.
const USER: &str = "ci";

/// An account with the example file, and a user who may do nothing yet.
pub(crate) struct Person {
    pub(crate) world: World,
    key: String,
    secret: String,
}

impl Person {
    /// A new account.
    pub(crate) fn new() -> Self {
        let world = World::new(Kind::Ministack).unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stack.example.yaml");
        world.write("stack.yaml", std::fs::read_to_string(example).unwrap()).unwrap();
        world.example_parameter().unwrap();
        let user = json!({ "UserName": USER });
        world.aws("iam", "CreateUser", &user).unwrap();
        let answer = world.aws("iam", "CreateAccessKey", &user).unwrap();
        let one = |element: &str| answer.elements(element).first().cloned().unwrap_or_default();
        let (key, secret) = (one("AccessKeyId"), one("SecretAccessKey"));
        Self { world, key, secret }
    }

    /// The ARN of the example's cluster.
    pub(crate) fn cluster(&self) -> String {
        format!("arn:aws:ecs:us-west-2:{}:cluster/papyrus", self.world.lease().account)
    }

    /// Calls AWS as the administrator; what the emulator refuses is a failure.
    #[track_caller]
    pub(crate) fn aws(&self, service: &str, action: &str, parameters: &Value) {
        if let Err(error) = self.world.aws(service, action, parameters) {
            panic!("{error:?}");
        }
    }

    /// Runs the binary as the administrator, who must succeed.
    #[track_caller]
    pub(crate) fn admin(&self, arguments: &[&str]) -> Run {
        match self.world.hatoba(arguments).and_then(|run| run.expect_code(0)) {
            Ok(run) => run,
            Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
        }
    }

    /// Runs the binary as the user with this policy; returns the run and the calls that it made.
    pub(crate) fn with(&self, policy: &Value, arguments: &[&str]) -> (Run, BTreeSet<String>) {
        let put = json!({ "UserName": USER, "PolicyName": USER, "PolicyDocument": policy.to_string() });
        self.aws("iam", "PutUserPolicy", &put);
        self.world.proxy().clear_log();
        let command = self.world.hatoba_command(arguments).unwrap();
        // Where a test may put programs that are not on every machine.
        let path = format!("{}:/usr/bin:/bin", self.world.work().join("bin").display());
        let command =
            command.env("PATH", path).env("AWS_ACCESS_KEY_ID", &self.key).env("AWS_SECRET_ACCESS_KEY", &self.secret);
        let run = command.run().unwrap();
        // The tagging API is called `tag` in policies.
        let calls = self.world.proxy().calls().iter().map(|call| call.name().replacen("tagging:", "tag:", 1)).collect();
        (run, calls)
    }
}
