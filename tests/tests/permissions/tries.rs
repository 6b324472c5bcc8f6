//! Runs a row: once with all permissions in each situation, then without each single one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;

use hatoba_tests::invocation::Run;
use hatoba_tests::proxy::{Act, Rule};
use serde_json::Value;

use crate::differences::{Asks, DIFFERENCES, GOES_ON, NEVER, difference};
use crate::people::Person;
use crate::policy::{Allowed, allowed, document};

/// How many tries run at once.
const THREADS: usize = 4;

/// A command, and the situations that it is tried in.
pub(crate) struct Row {
    /// What `permissions --for` calls it.
    pub(crate) purpose: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) situations: &'static [Situation],
}

/// A situation that a command finds.
pub(crate) struct Situation {
    /// Makes it in a new account.
    pub(crate) first: fn(&Person),
    /// Makes it again in an account in which the command has failed at one thing; nothing where that takes a new account.
    pub(crate) again: Option<fn(&Person)>,
}

/// One try.
#[derive(Clone, Debug)]
enum Try {
    /// Without this, in the first of these situations in which it is missed.
    Without(Allowed, Vec<usize>),
    /// With this only as AWS asks for it: ministack does not let it pass.
    AsAwsAsks(Allowed, Vec<usize>),
    /// Without this, which ministack does not ask for: it lets it pass, and what AWS would answer is explained.
    Unasked(Allowed, &'static str, &'static str, Vec<usize>),
}

/// A thread's accounts, by situation.
type People = BTreeMap<usize, Person>;

/// Tries everything out.
#[track_caller]
pub(crate) fn try_out(row: &Row) {
    let tries = Mutex::new(plan(row));
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut people = People::new();
                loop {
                    let Some(next) = tries.lock().unwrap().pop() else { return };
                    wrong.lock().unwrap().extend(one(row, &mut people, &next).err());
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}: {} are wrong:\n{}", row.purpose, wrong.len(), wrong.join("\n"));
}

/// Runs a command in a situation with exactly what is printed for a purpose: it succeeds, and makes no call that is not printed. Returns the calls
/// that it made, and the actions that were printed and not called.
#[track_caller]
pub(crate) fn covered(
    purpose: &'static str,
    arguments: &'static [&'static str],
    situation: fn(&Person),
) -> (BTreeSet<String>, BTreeSet<String>) {
    let person = Person::new();
    situation(&person);
    let all = printed(&Row { purpose, arguments, situations: &[] }, &person);
    let mut policy = asked(&all, &person);
    // What ministack does not look at in one operation it may ask for as an operation of its own.
    let unasked = all.iter().filter(|it| it.asked(&person.cluster()).is_none());
    policy.extend(unasked.map(|it| Allowed {
        action: it.action.clone(),
        resource: "*".to_owned(),
        condition: String::new(),
    }));
    let (run, mut made) = person.with(&document(&policy), arguments);
    assert_eq!(run.code, Some(0), "{arguments:?} with `--for {purpose}`: {run:?}");
    made.remove("sts:GetCallerIdentity");
    let actions: BTreeSet<String> = all.into_iter().map(|it| it.action).collect();
    let unprinted: BTreeSet<&String> = made.difference(&actions).collect();
    assert!(unprinted.is_empty(), "{arguments:?} calls {unprinted:?}, which `--for {purpose}` does not print");
    let uncalled = actions.difference(&made).cloned().collect();
    (made, uncalled)
}

/// The policy that is printed for the row, for this account.
fn printed(row: &Row, person: &Person) -> BTreeSet<Allowed> {
    let account = &person.world.lease().account;
    let run = person.admin(&["permissions", "--for", row.purpose, "--account", account, "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    allowed(document["documents"].as_array().unwrap())
}

/// As ministack asks for it.
fn asked(all: &BTreeSet<Allowed>, person: &Person) -> BTreeSet<Allowed> {
    let cluster = person.cluster();
    all.iter().filter_map(|it| it.asked(&cluster)).collect()
}

/// Runs the row with everything that is printed, and finds out what there is to be tried.
fn plan(row: &Row) -> Vec<Try> {
    let mut made: Vec<BTreeSet<String>> = Vec::new();
    let mut every = BTreeSet::new();
    for situation in row.situations {
        let person = Person::new();
        (situation.first)(&person);
        let all = printed(row, &person);
        let (run, calls) = person.with(&document(&asked(&all, &person)), row.arguments);
        assert_eq!(run.code, Some(0), "{} with all permissions: {run:?}", row.purpose);
        made.push(calls);
        every = plain(&all, &person);
    }
    let actions: BTreeSet<&str> = every.iter().map(|it| it.action.as_str()).collect();
    for call in made.iter().flatten().filter(|call| *call != "sts:GetCallerIdentity") {
        assert!(actions.contains(call.as_str()), "{} calls {call}, which is not printed", row.purpose);
        let never = NEVER.iter().any(|(of, action, _)| *of == row.purpose && action == call);
        // What the proxy answers in the emulator's place is called, and refused to nobody.
        let played = call.starts_with("logs:Put") || call.starts_with("logs:Disassociate");
        assert!(!never || played, "{} calls {call} after all", row.purpose);
    }
    let mut tries = Vec::new();
    let (mut seen, mut uncalled) = (BTreeSet::new(), BTreeSet::new());
    for it in every {
        let at: Vec<usize> =
            made.iter().enumerate().filter(|(_, calls)| calls.contains(&it.action)).map(|(at, _)| at).collect();
        if NEVER.iter().any(|(of, action, _)| *of == row.purpose && *action == it.action) {
            continue;
        }
        match difference(&it.action, &it.resource) {
            Some(Asks::Nothing { service, operation }) => {
                let call = format!("{service}:{operation}");
                let at = made.iter().enumerate().filter(|(_, calls)| calls.contains(&call)).map(|(at, _)| at).collect();
                tries.push(Try::Unasked(it, service, operation, at));
            }
            other => {
                if at.is_empty() {
                    uncalled.insert(it.action.clone());
                }
                // Resources that ministack does not tell apart are taken out together.
                let alike = it.asked("the cluster").unwrap();
                if seen.insert(alike) {
                    if other.is_some() {
                        tries.push(Try::AsAwsAsks(it.clone(), at.clone()));
                    }
                    tries.push(Try::Without(it, at));
                }
            }
        }
    }
    assert!(uncalled.is_empty(), "{}: nothing calls {uncalled:?}, and nothing says why", row.purpose);
    tries
}

/// The same for an account that can be told apart from every other.
fn plain(all: &BTreeSet<Allowed>, person: &Person) -> BTreeSet<Allowed> {
    all.iter().map(|it| it.moved(&person.world.lease().account, ACCOUNT)).collect()
}

const ACCOUNT: &str = "123456789012";

impl Allowed {
    /// The same in another account.
    fn moved(&self, from: &str, to: &str) -> Self {
        let moved = |text: &str| text.replace(from, to);
        Self { action: self.action.clone(), resource: moved(&self.resource), condition: moved(&self.condition) }
    }
}

/// Makes one try; says what is wrong.
fn one(row: &Row, people: &mut People, what: &Try) -> Result<(), String> {
    let (it, at) = match what {
        Try::Without(it, at) | Try::AsAwsAsks(it, at) | Try::Unasked(it, _, _, at) => (it, at),
    };
    let mut last = None;
    for at in at {
        let person = situated(row, people, *at);
        let it = it.moved(ACCOUNT, &person.world.lease().account);
        let all = printed(row, &person);
        let cluster = person.cluster();
        let asks = it.asked(&cluster);
        let mut policy: BTreeSet<Allowed> =
            all.iter().filter(|other| **other != it).filter_map(|other| other.asked(&cluster)).collect();
        policy.retain(|other| Some(other) != asks.as_ref());
        if let Try::AsAwsAsks(..) = what {
            policy.extend(all.iter().filter(|other| other.asked(&cluster) == asks).cloned());
        }
        if let Try::Unasked(_, service, operation, _) = what {
            let (passed, _) = person.with(&document(&policy), row.arguments);
            if passed.code != Some(0) {
                return Err(format!("ministack asks for {it:?} after all: {passed:?}"));
            }
            return unasked(row, &it, service, operation, *at, &policy);
        }
        let (run, _) = person.with(&document(&policy), row.arguments);
        if refused(&run, &it) {
            people.insert(*at, person);
            return explained(&run, &it, matches!(what, Try::AsAwsAsks(..)));
        }
        people.insert(*at, person);
        last = Some(run);
    }
    Err(format!("not missed: {what:?}: {last:?}"))
}

/// An account in the situation.
fn situated(row: &Row, people: &mut People, at: usize) -> Person {
    let situation = &row.situations[at];
    match (situation.again, people.remove(&at)) {
        (Some(again), Some(person)) => {
            again(&person);
            person
        }
        _ => {
            let person = Person::new();
            (situation.first)(&person);
            person
        }
    }
}

fn refused(run: &Run, it: &Allowed) -> bool {
    run.code == Some(4) || GOES_ON.contains(&it.action.as_str()) && run.stderr.contains("missing")
}

/// Whether the run names the statement that is missing, ready to paste.
fn explained(run: &Run, it: &Allowed, alike: bool) -> Result<(), String> {
    // Where the policy has a star the run may know better, such as the network that a group was to be made in.
    let says = |text: &str| match text.strip_suffix('*') {
        Some(start) => run.stderr.contains(&format!("\"{start}")),
        None => run.stderr.contains(&format!("\"{text}\"")),
    };
    if says(&it.action) && (alike || says(&it.resource)) && run.stderr.contains("missing") {
        return Ok(());
    }
    Err(format!("{} on {} is missing, and not explained: {run:?}", it.action, it.resource))
}

/// What AWS answers where ministack asks nothing is explained, too.
fn unasked(
    row: &Row,
    it: &Allowed,
    service: &str,
    operation: &str,
    at: usize,
    policy: &BTreeSet<Allowed>,
) -> Result<(), String> {
    let person = situated(row, &mut People::new(), at);
    let moved = |other: &Allowed| other.moved(&account_of(it), &person.world.lease().account);
    let (policy, it): (BTreeSet<Allowed>, Allowed) = (policy.iter().map(moved).collect(), moved(it));
    let message = format!(
        "User: arn:aws:iam::{}:user/ci is not authorized to perform: {} on resource: {} because no identity-based policy allows the {} action",
        person.world.lease().account,
        it.action,
        it.resource,
        it.action
    );
    let act = Act::Error { status: 403, code: "AccessDenied".to_owned(), message };
    person.world.proxy().set_rules(vec![Rule::on(service, operation, act)]);
    let (run, _) = person.with(&document(&policy), row.arguments);
    explained(&run, &it, false)
}

fn account_of(it: &Allowed) -> String {
    it.resource.split(':').nth(4).unwrap_or_default().to_owned()
}

#[test]
fn every_difference_is_about_something_that_is_printed() {
    let person = Person::new();
    let printed =
        |purpose: &'static str| plain(&printed(&Row { purpose, arguments: &[], situations: &[] }, &person), &person);
    let all: BTreeSet<Allowed> = ["plan", "apply", "destroy", "deploy", "run"].into_iter().flat_map(printed).collect();
    for (action, ..) in DIFFERENCES {
        assert!(all.iter().any(|it| it.action == *action), "nothing needs {action}");
    }
    for (purpose, action, _) in NEVER {
        assert!(printed(purpose).iter().any(|it| it.action == *action), "{purpose} does not need {action}");
    }
}
