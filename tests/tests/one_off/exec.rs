//! `hatoba exec`, with a plugin that writes down what it is given.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::on_both;
use hatoba_tests::plays::one_off::{Sessions, TOKEN, running};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::scene::{applied, file};

/// A plugin: its version, then what it does with a session.
const PLUGIN: &str = "#!/bin/sh
if [ \"$1\" = --version ]; then echo 1.2.707.0; exit 0; fi
printf '%s\\n' \"$@\" > arguments
printf '%s' \"$AWS_SSM_START_SESSION_RESPONSE\" > session
echo 'Starting session'
exit 9
";

/// Puts a plugin on PATH.
fn install(world: &World, text: &str) {
    let path = world.write("bin/session-manager-plugin", text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn world(kind: Kind, tasks: Vec<Value>) -> (World, Arc<Sessions>) {
    let world = applied(kind);
    let play = Arc::new(Sessions::new(tasks));
    world.proxy().add_play(Arc::clone(&play) as _);
    install(&world, PLUGIN);
    (world, play)
}

fn exec(world: &World, words: &[&str]) -> Run {
    let words: Vec<&str> = ["exec"].iter().chain(words).copied().collect();
    let path = format!("{}:/usr/bin:/bin", world.work().join("bin").display());
    world.hatoba_command(&words).unwrap().env("PATH", path).run().unwrap()
}

fn a_session_is_handed_over(kind: Kind) {
    let (world, play) = world(kind, vec![running('a', 10), running('b', 20)]);
    let run = exec(&world, &[]);
    // Its output and its code are those of the plugin.
    assert_eq!((run.code, run.stdout.as_str()), (Some(9), "Starting session\n"), "{run:?}");
    assert!(run.stderr.contains("`app` of the task bbbbbbbb of service.papyrus: /bin/sh; another one runs"), "{run:?}");
    let opened = play.opened().remove(0);
    assert_eq!(
        [&opened["command"], &opened["interactive"], &opened["container"]],
        [&json!("/bin/sh"), &json!(true), &json!("app")]
    );
    let arguments = world.read("arguments").unwrap();
    let target = format!("{{\"Target\":\"ecs:papyrus_{}_b-runtime\"}}", "b".repeat(32));
    let expected =
        ["AWS_SSM_START_SESSION_RESPONSE", &world.lease().region, "StartSession", "", &target, &world.endpoint()];
    assert_eq!(arguments.lines().collect::<Vec<_>>(), expected);
    let session: Value = serde_json::from_str(&world.read("session").unwrap()).unwrap();
    assert_eq!(session["TokenValue"], json!(TOKEN));
    assert!(session["StreamUrl"].as_str().unwrap().starts_with("wss://"), "{session}");
    assert_eq!(session["SessionId"], json!("ecs-execute-command-0123456789abcdef0"));
}

fn nobody_sees_the_token(kind: Kind) {
    let (world, _) = world(kind, vec![running('a', 10)]);
    let run = exec(&world, &["papyrus", "-vvv", "--", "sh", "-c", "echo hello"]);
    assert_eq!(run.code, Some(9), "{run:?}");
    let all = format!("{run:?}{}", world.read("arguments").unwrap());
    assert!(!all.contains(TOKEN), "{all}");
    assert!(run.stderr.contains("sh -c 'echo hello'"), "{run:?}");
}

fn a_task_is_named_by_the_beginning_of_its_id(kind: Kind) {
    let mut once = running('c', 5);
    once["serviceless"] = json!(true);
    let (world, play) = world(kind, vec![running('a', 10), running('b', 20), once]);
    exec(&world, &["--task", "aa"]);
    assert!(play.opened()[0]["task"].as_str().unwrap().ends_with(&"a".repeat(32)));
    // One that was run once is in no list of the service.
    let whole = "c".repeat(32);
    let run = exec(&world, &["--task", &whole]);
    assert!(play.opened()[1]["task"].as_str().unwrap().ends_with(&whole), "{run:?}");
    let none = exec(&world, &["--task", "f"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("no task whose id begins with `f`"), "{none:?}");
}

fn what_stands_in_the_way_is_said_before_the_call(kind: Kind) {
    let mut before = running('a', 10);
    before["enableExecuteCommand"] = json!(false);
    let (one, play) = world(kind, vec![before]);
    let run = exec(&one, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("started before ECS Exec was switched on"), "{run:?}");
    assert!(play.opened().is_empty());
    let mut agent = running('a', 10);
    agent["containers"][0]["managedAgents"][0]["lastStatus"] = json!("STOPPED");
    let (two, play) = world(kind, vec![agent]);
    let run = exec(&two, &[]);
    assert!(run.stderr.contains("the ECS Exec agent of `app`") && run.stderr.contains("ssmmessages"), "{run:?}");
    assert!(play.opened().is_empty());
    let (three, _) = world(kind, Vec::new());
    let run = exec(&three, &[]);
    assert!(run.stderr.contains("no task of service.papyrus runs"), "{run:?}");
    let run = exec(&three, &["--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("has no document"), "{run:?}");
}

fn the_plugin_has_to_be_there_and_recent(kind: Kind) {
    let (world, play) = world(kind, vec![running('a', 10)]);
    install(&world, "#!/bin/sh\necho 1.2.463.0\n");
    let run = exec(&world, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("too old (1.2.463.0)"), "{run:?}");
    fs::remove_file(world.work().join("bin/session-manager-plugin")).unwrap();
    let run = exec(&world, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("there is no `session-manager-plugin` on PATH"), "{run:?}");
    assert!(play.opened().is_empty());
    // Where there is no service to run a command in, nobody needs the plugin.
    let elsewhere = World::new(kind).unwrap();
    elsewhere.write_stack(&file()).unwrap();
    let run = exec(&elsewhere, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("there is no service `papyrus`") && !run.stderr.contains("plugin"), "{run:?}");
}

on_both!(
    a_session_is_handed_over,
    nobody_sees_the_token,
    a_task_is_named_by_the_beginning_of_its_id,
    what_stands_in_the_way_is_said_before_the_call,
    the_plugin_has_to_be_there_and_recent,
);
