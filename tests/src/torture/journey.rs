//! The example stack on its way from nothing and back. Each leg is one command; a test breaks it and runs it again.

use serde_json::json;

use crate::error::{HarnessError, Result};
use crate::invocation::{Invocation, Run};
use crate::world::World;

/// The stack file that the README and the manual show.
const EXAMPLE: &str = include_str!("../../../stack.example.yaml");

/// One command of the journey.
#[derive(Clone, Debug)]
pub struct Leg {
    /// What the leg is called in tables.
    pub name: &'static str,
    /// `apply` or `destroy`.
    pub command: &'static str,
    /// The stack file.
    pub file: String,
}

/// From nothing to a running service, through changes, to nothing.
///
/// # Errors
/// When the example no longer has a line that a leg changes.
pub fn legs() -> Result<Vec<Leg>> {
    let leg = |name, command, file: &str| Leg { name, command, file: file.to_owned() };
    let image = edit(
        EXAMPLE,
        &[(
            "image: { repository: papyrus, live: true, bootstrap: \"public.ecr.aws/docker/library/nginx:alpine\" }",
            "image: \"public.ecr.aws/docker/library/nginx:1.29\"",
        )],
    )?;
    // A group in use cannot be deleted, so that the new one needs a name of its own; the repository is replaced in place.
    let replaced = edit(
        &image,
        &[
            ("encryption: AES256", "encryption: KMS"),
            ("    description: papyrus service\n", "    name: papyrus-web\n    description: papyrus on the web\n"),
        ],
    )?;
    let removed = without(&replaced, &["services:", "task_definitions:", "security_groups:", "log_groups:"]);
    let removed = edit(&removed, &[("      - deploy: papyrus            # a service\n", "")])?;
    Ok(vec![
        leg("apply from nothing", "apply", EXAMPLE),
        leg("image change", "apply", &image),
        leg("replacement", "apply", &replaced),
        leg("removal", "apply", &removed),
        leg("putting back", "apply", &replaced),
        leg("destroy", "destroy", &replaced),
    ])
}

impl Leg {
    /// Prepares the command.
    ///
    /// # Errors
    /// When the file cannot be written, or hatoba was not built.
    pub fn prepare<'w>(&self, world: &'w World) -> Result<Invocation<'w>> {
        if self.command == "apply" {
            world.example_parameter()?;
        }
        world.write("stack.yaml", &self.file)?;
        world.hatoba_command(&[self.command, "--yes"])
    }

    /// Runs the command undisturbed; it must end well.
    ///
    /// # Errors
    /// When it does not.
    pub fn run(&self, world: &World) -> Result<Run> {
        self.prepare(world)?.run()?.expect_code(0)
    }

    /// How many calls a look makes: what the command does before it writes.
    ///
    /// # Errors
    /// When the plan fails.
    pub fn looks(&self, world: &World) -> Result<usize> {
        world.write("stack.yaml", &self.file)?;
        world.proxy().clear_log();
        world.hatoba(&self.plan(&[]))?.expect_code(0)?;
        Ok(world.proxy().calls().len())
    }

    /// Proves that nothing is left to do: the plan is empty. After a destroy, that of the destroy.
    ///
    /// # Errors
    /// When something is left to do.
    pub fn prove(&self, world: &World) -> Result<()> {
        world.hatoba(&self.plan(&["--detailed-exitcode"]))?.expect_code(0).map(drop)
    }

    fn plan(&self, options: &[&'static str]) -> Vec<&'static str> {
        let destroy = (self.command == "destroy").then_some("--destroy");
        ["plan"].into_iter().chain(destroy).chain(options.iter().copied()).collect()
    }
}

/// Takes away what `destroy` rightly leaves, the service-linked role, so that the account is as good as new.
///
/// # Errors
/// When it cannot be deleted.
pub fn forget(world: &World) -> Result<()> {
    let roles = world.aws("iam", "ListRoles", &json!({ "PathPrefix": "/aws-service-role/" }))?;
    for role in roles.elements("RoleName") {
        world.aws("iam", "DeleteRole", &json!({ "RoleName": role }))?;
    }
    Ok(())
}

/// Replaces texts that must be there exactly once.
fn edit(text: &str, edits: &[(&str, &str)]) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in edits {
        if text.matches(from).count() != 1 {
            return Err(HarnessError::new(format!("the example does not have `{from}` exactly once")));
        }
        text = text.replace(from, to);
    }
    Ok(text)
}

/// Leaves out sections of the file.
fn without(text: &str, sections: &[&str]) -> String {
    let mut kept = String::new();
    let mut out = false;
    for line in text.lines() {
        if !line.starts_with([' ', '#']) && !line.is_empty() {
            out = sections.contains(&line);
        }
        if !out {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
