#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_engine::desired::{Desired, OnDestroy};
use hatoba_engine::owner::Origin;
use hatoba_github::generate::Call;

use super::*;

const PATH: &str = ".github/workflows/deploy.yml";
const MADE: &str = "name: x\n# hatoba:keep steps\n# hatoba:end\n";

struct Bench {
    home: tempfile::TempDir,
    goal: Goal,
    files: Files,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let want = Desired {
            address: address(PATH),
            kind: &WORKFLOW,
            name: PATH.to_owned(),
            fields: [(CONTENT.to_owned(), Value::Doc(MADE.to_owned()))].into(),
            tags: BTreeMap::new(),
            needs: BTreeSet::new(),
            scope: None,
            existing: false,
            adopt: false,
            retain: false,
            on_destroy: OnDestroy::Plain,
        };
        let resources = [(want.address.clone(), want)].into();
        let goal = Goal { stack: "papyrus".to_owned(), region: None, resources, content: false };
        let root = Root { path: home.path().to_owned(), call: Call::default() };
        let files = Files::new(&root, &goal);
        Self { home, goal, files }
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.home.path().join(FOLDER).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.home.path().join(PATH)).unwrap()
    }

    fn seen(&self) -> Vec<(String, Option<Origin>)> {
        let snapshot = self.files.survey(&self.goal);
        assert!(snapshot.unreadable.is_empty(), "{:?}", snapshot.unreadable);
        snapshot.seen.into_iter().map(|live| (live.name, live.mark.map(|mark| mark.origin))).collect()
    }
}

fn mark(stack: &str, file: &str) -> String {
    format!("# hatoba: stack={stack} resource=workflow.{file} origin=created\n")
}

fn wanted(content: &str) -> Resolved {
    let tags = [("hatoba:stack", "papyrus"), ("hatoba:resource", "workflow.deploy.yml"), ("hatoba:origin", "created")];
    Resolved {
        address: address(PATH),
        kind: &WORKFLOW,
        name: PATH.to_owned(),
        scope: None,
        fields: [(CONTENT.to_owned(), Value::Doc(content.to_owned())), ("tags".to_owned(), Value::texts(tags))].into(),
    }
}

#[test]
fn what_is_written_is_seen_as_it_was_wanted() {
    let bench = Bench::new();
    assert_eq!(bench.seen(), []);
    bench.files.create(&wanted(MADE)).unwrap();
    assert_eq!(bench.text(), format!("{}{MADE}", mark("papyrus", "deploy.yml")));
    let live = bench.files.look(PATH).unwrap().unwrap();
    assert_eq!(live.fields, wanted(MADE).fields);
    assert_eq!(bench.files.create(&wanted(MADE)).unwrap_err().class, Class::Exists);
}

#[test]
fn what_others_wrote_in_their_part_is_no_difference_and_is_kept() {
    let bench = Bench::new();
    let theirs = format!("{}old\n# hatoba:keep steps\n- run: make test\n# hatoba:end\n", mark("papyrus", "deploy.yml"));
    bench.put("deploy.yml", &theirs);
    let live = bench.files.look(PATH).unwrap().unwrap();
    assert_eq!(live.fields[CONTENT].as_text(), Some("old\n# hatoba:keep steps\n# hatoba:end\n"));
    bench.files.update(&wanted(MADE), &live).unwrap();
    let text = bench.text();
    assert!(text.ends_with("name: x\n# hatoba:keep steps\n- run: make test\n# hatoba:end\n"), "{text}");
}

#[test]
fn a_file_that_changed_since_the_plan_is_left_alone() {
    let bench = Bench::new();
    bench.files.create(&wanted(MADE)).unwrap();
    let live = bench.files.look(PATH).unwrap().unwrap();
    let changed = bench.text() + "more\n";
    bench.put("deploy.yml", &changed);
    assert!(bench.files.update(&wanted(MADE), &live).unwrap_err().message.contains("plan again"));
    assert!(bench.files.delete(&live).unwrap_err().message.contains("plan again"));
    assert_eq!(bench.text(), changed);
}

#[test]
fn only_files_of_this_stack_are_found_by_their_mark() {
    let bench = Bench::new();
    bench.put("ours.yaml", &mark("papyrus", "ours.yaml"));
    bench.put("theirs.yml", &mark("quay", "theirs.yml"));
    bench.put("copy.yml", &mark("papyrus", "ours.yaml"));
    bench.put("bare.yml", "name: x\n");
    bench.put("notes.txt", &mark("papyrus", "notes.txt"));
    assert_eq!(bench.seen(), [(format!("{FOLDER}ours.yaml"), Some(Origin::Created))]);
    // By its name a file is found whoever's it is.
    bench.put("deploy.yml", &mark("papyrus", "ours.yaml"));
    assert!(bench.seen().contains(&(PATH.to_owned(), None)));
    bench.put("deploy.yml", &mark("quay", "deploy.yml"));
    let snapshot = bench.files.survey(&bench.goal);
    let live = snapshot.seen.iter().find(|live| live.name == PATH).unwrap();
    assert_eq!(live.mark.as_ref().unwrap().stack, "quay");
}

#[test]
fn what_is_let_go_of_bears_no_mark_any_more() {
    let bench = Bench::new();
    bench.files.create(&wanted(MADE)).unwrap();
    let live = bench.files.look(PATH).unwrap().unwrap();
    bench.files.release(&live).unwrap();
    assert_eq!(bench.text(), MADE);
    assert_eq!(bench.seen(), [(PATH.to_owned(), None)]);
}

#[test]
fn what_cannot_be_read_is_unknown_and_not_gone() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.home.path().join(PATH)).unwrap();
    let snapshot = bench.files.survey(&bench.goal);
    assert!(snapshot.seen.is_empty());
    assert_eq!(snapshot.unreadable[0].addresses, [address(PATH)]);
    assert_eq!(snapshot.unreadable[0].error.to_string(), "read file: `.github/workflows/deploy.yml`: it is no file");
}
