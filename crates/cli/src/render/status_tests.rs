use hatoba_engine::cloud::Class;
use hatoba_prices::stack::Unpriced;
use hatoba_provider::rotation::Version;
use hatoba_rollout::state::Container;

use super::*;
use crate::render::Style;
use crate::render::line::write_all;

const NOW: Millis = 1_800_000_000_000;

fn standing() -> Standing {
    let app = Container {
        name: "app".into(),
        last: "RUNNING".into(),
        image: Some("123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:v2".into()),
        digest: Some("sha256:0123456789abcdef0123".into()),
        ..Container::default()
    };
    let running = Task {
        id: "3f2a91c0ffee".into(),
        task_definition: "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:8".into(),
        last: "RUNNING".into(),
        health: Some("HEALTHY".into()),
        zone: Some("us-west-2a".into()),
        started: Some(NOW - 7_500_000),
        interface: Some("eni-1".into()),
        private_ip: Some("172.31.0.5".into()),
        containers: vec![app.clone()],
        ..Task::default()
    };
    let gone = Task {
        id: "77aa00112233".into(),
        last: "STOPPED".into(),
        stopped: Some(NOW - 90_000),
        stopped_reason: Some("Essential container in task exited".into()),
        containers: vec![Container { exit_code: Some(1), ..app }],
        ..Task::default()
    };
    let replaced = Task {
        id: "5566ddeeff00".into(),
        last: "STOPPED".into(),
        stopped_reason: Some("Scaling activity initiated by (deployment ecs-svc/1)".into()),
        ..Task::default()
    };
    let pending = Task {
        id: "88bb22334455".into(),
        last: "PENDING".into(),
        interface: Some("eni-2".into()),
        private_ip: Some("172.31.0.6".into()),
        ..Task::default()
    };
    let deployment = |revision: u32, primary: bool, rollout, failed| Deployment {
        task_definition: format!("arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:{revision}"),
        primary,
        rollout: Some(rollout),
        desired: 1,
        running: u32::from(!primary),
        failed,
        created: Some(NOW - 100_000),
        ..Deployment::default()
    };
    Standing {
        address: "service.papyrus".into(),
        service: Some(Service {
            status: "ACTIVE".into(),
            desired: 1,
            running: 1,
            deployments: vec![
                deployment(9, true, RolloutState::InProgress, 2),
                deployment(8, false, RolloutState::Completed, 0),
            ],
            events: vec![
                Event {
                    at: Some(NOW - 5_000),
                    message: "(service papyrus) has reached a steady state.".into(),
                    ..Event::default()
                },
                Event {
                    at: Some(NOW - 60_000),
                    message: "(service papyrus) is unable to consistently start tasks successfully.".into(),
                    ..Event::default()
                },
            ],
            ..Service::default()
        }),
        tasks: vec![running, pending, gone, replaced],
        ports: [("app".to_owned(), vec![5000])].into(),
        provenance: Some(Provenance {
            run: Some("https://github.com/acme/papyrus/actions/runs/123".into()),
            commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
            actor: Some("octocat".into()),
            back_to: None,
            deployed_at: Some(NOW - 120_000),
        }),
        rotated: vec![Newer {
            name: "DB_URL".into(),
            containers: ["app".to_owned()].into(),
            from: "/papyrus/db-url".into(),
            version: Version { number: Some(4), since: NOW - 60_000 },
        }],
        ..Standing::default()
    }
}

#[test]
fn where_the_images_come_from_is_in_the_document_as_it_was_kept() {
    let document = document(&standing(), &BTreeMap::new());
    assert_eq!(document["provenance"]["run"], "https://github.com/acme/papyrus/actions/runs/123");
    assert_eq!(document["provenance"]["commit"], "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(document["provenance"]["deployed_at"], NOW - 120_000);
    let nothing = Standing { provenance: None, ..standing() };
    assert_eq!(super::document(&nothing, &BTreeMap::new())["provenance"], Json::Null);
}

#[test]
fn a_deployment_in_progress_is_shown_with_what_runs_and_what_failed() {
    let public = [("eni-1", "54.0.0.1"), ("eni-2", "54.0.0.2")].map(|(id, ip)| (id.to_owned(), ip.to_owned())).into();
    let text = write_all(&lines(&[standing()], &public, "stack papyrus", NOW), Style::PLAIN);
    for part in [
        "service.papyrus: 1 of 1 tasks running",
        "papyrus:9  being deployed, 0 of 1 running, 2 failed  1 min ago",
        "papyrus:8  being replaced, 1 of 1 running",
        "secrets     secret DB_URL has version 4 since 1 min\n",
        "tasks have the old value: `hatoba deploy papyrus --redeploy`",
        "deployed    2 min ago by run 123, commit 0123456, octocat",
        "\n              https://github.com/acme/papyrus/actions/runs/123\n",
        "3f2a91c0  healthy  us-west-2a  2 h ago",
        "http://54.0.0.1:5000",
        "papyrus:v2",
        "77aa0011  1 min ago  Essential container in task exited",
        "app: exit code 1",
        "88bb2233  pending\n",
        "5566ddee  replaced, or one task less was wanted",
        "the service is unable to consistently start tasks",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("steady state") && !text.contains("54.0.0.2"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn what_it_costs_now_and_what_could_not_be_read_have_a_line() {
    let unpriced = Unpriced { address: "service.papyrus".into(), why: "runs on my own machines".into() };
    let cost = StackCost { unpriced: vec![unpriced], ..StackCost::default() };
    let error = CloudError::new(Class::Denied, "ecs:ListTasks", "no");
    let standing = Standing { tasks: Vec::new(), cost: Some(cost), unread: Some(error), ..standing() };
    let text = write_all(&lines(std::slice::from_ref(&standing), &BTreeMap::new(), "", NOW), Style::PLAIN);
    assert!(text.contains("  cost        not known: it runs on my own machines\n"), "{text}");
    assert!(text.contains("  tasks       could not be read: ecs:ListTasks: no\n"), "{text}");
    let document = document(&standing, &BTreeMap::new());
    assert_eq!(document["cost"]["hour"], Json::Null);
    assert_eq!(document["cost"]["unpriced"], json!("runs on my own machines"));
}

#[test]
fn a_service_that_is_not_there_or_stopped_says_so() {
    let none = Standing { address: "service.a".into(), ..Standing::default() };
    let stopped = Standing {
        address: "service.b".into(),
        service: Some(Service { status: "ACTIVE".into(), ..Service::default() }),
        starts: true,
        ..Standing::default()
    };
    // The file says `desired_count: 0`.
    let off = Standing { address: "service.c".into(), starts: false, ..stopped.clone() };
    let text = write_all(&lines(&[none, stopped, off], &BTreeMap::new(), "stack papyrus", NOW), Style::PLAIN);
    assert!(text.contains("service.a: not there\n"), "{text}");
    assert!(text.contains("service.b: stopped: no task is wanted\n  start       `hatoba up b`\n"), "{text}");
    assert!(text.contains("service.c: stopped: no task is wanted\n") && !text.contains("hatoba up c"), "{text}");
}

#[test]
fn of_a_digest_as_much_is_shown_as_people_compare() {
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    assert_eq!(brief(&digest), "sha256:0123456789ab");
    assert_eq!(brief(&format!("acme/papyrus@{digest}")), "acme/papyrus@sha256:0123456789ab");
    assert_eq!([brief("nginx:1"), brief("sha256:01")], ["nginx:1", "sha256:01"]);
    let (here, there) = ("1.dkr.ecr.us-west-2.amazonaws.com/a:1", "2.dkr.ecr.us-west-2.amazonaws.com/a:1");
    let task = "arn:aws:ecs:us-west-2:1:task/papyrus/3f2a";
    assert_eq!([at_home(here, task), at_home(there, task), at_home(there, "")], ["a:1", there, there]);
}

#[test]
fn times_are_those_that_people_say() {
    let at = |seconds: i64| ago(Some(NOW - 1_000 * seconds), NOW);
    assert_eq!(
        [at(-5), at(59), at(60), at(7_200), at(172_800)].join(", "),
        "0 s ago, 59 s ago, 1 min ago, 2 h ago, 2 days ago"
    );
    assert_eq!(ago(None, NOW), "");
}
