//! Makes a scenario that breaks a promise as small as it goes, so that a person can read it.

use super::Scenario;
use super::figures::Broken;
use super::files::Files;
use super::play::play;

/// Leaves out whatever can be left out so that the same promise is still broken.
pub fn shrink(scenario: &Scenario, broken: &Broken) -> Scenario {
    let mut small = scenario.clone();
    loop {
        let next = smaller(&small).find(|smaller| breaks(smaller, broken));
        match next {
            Some(next) => small = next,
            None => break,
        }
    }
    small.about.push(broken.promise.to_owned());
    small
}

/// Whether a scenario breaks this promise.
fn breaks(scenario: &Scenario, broken: &Broken) -> bool {
    let Ok(files) = Files::new(scenario.files.clone()) else { return false };
    play(scenario, &files).is_err_and(|found| found.promise == broken.promise)
}

/// The scenario with one thing less, big things first.
fn smaller(of: &Scenario) -> impl Iterator<Item = Scenario> {
    let runs = (0..of.runs.len()).filter(|_| of.runs.len() > 1).map(|at| without(of, |it| drop(it.runs.remove(at))));
    let start = (0..of.start.len()).map(|at| without(of, |it| drop(it.start.remove(at))));
    let slow = of.slow.times().into_iter().zip(crate::slow::NAMES).filter(|(time, _)| *time > 0);
    let slow = slow.map(|(_, name)| without(of, |it| it.slow = it.slow.without(name)));
    let details = (0..of.runs.len()).flat_map(|at| details(of, at));
    let files = (0..of.files.len()).flat_map(|at| files(of, at));
    runs.chain(files).chain(start).chain(details).chain(slow)
}

fn without(of: &Scenario, change: impl FnOnce(&mut Scenario)) -> Scenario {
    let mut less = of.clone();
    change(&mut less);
    less
}

fn details(of: &Scenario, at: usize) -> Vec<Scenario> {
    let Some(run) = of.runs.get(at) else { return Vec::new() };
    let mut less = Vec::new();
    let mut change = |change: &dyn Fn(&mut super::Planned)| {
        less.push(without(of, |it| {
            if let Some(run) = it.runs.get_mut(at) {
                change(run);
            }
        }));
    };
    if run.beside.is_some() {
        change(&|run| run.beside = None);
    }
    for number in 0..run.before.len() {
        change(&|run| drop(run.before.remove(number)));
    }
    for number in 0..run.between.len() {
        change(&|run| drop(run.between.remove(number)));
    }
    for number in run.faults.writes.keys() {
        change(&|run| run.faults.writes.retain(|other, _| other != number));
    }
    for number in run.faults.reads.keys() {
        change(&|run| run.faults.reads.retain(|other, _| other != number));
    }
    if run.wait > 5 {
        change(&|run| run.wait = 5);
    }
    less
}

/// The scenario with one block of lines less in one file: a line with those that are further in.
fn files(of: &Scenario, at: usize) -> Vec<Scenario> {
    let Some(file) = of.files.get(at) else { return Vec::new() };
    let lines: Vec<&str> = file.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    for (begin, line) in lines.iter().enumerate() {
        let more = lines.iter().skip(begin + 1).take_while(|next| depth(next) > depth(line)).count();
        blocks.push((begin, begin + 1 + more));
    }
    // The longest blocks first.
    blocks.sort_by_key(|(begin, end)| (std::cmp::Reverse(end - begin), *begin));
    blocks
        .into_iter()
        .map(|(begin, end)| {
            let rest = lines.iter().enumerate().filter(|(number, _)| !(begin..end).contains(number));
            let text: String = rest.map(|(_, line)| format!("{line}\n")).collect();
            without(of, |it| {
                if let Some(file) = it.files.get_mut(at) {
                    *file = text;
                }
            })
        })
        .collect()
}
