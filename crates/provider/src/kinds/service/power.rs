//! A service that `hatoba down` stopped and `hatoba up` starts: what its tags remember, what state it is in, and the calls that lead from
//! one state to the other. Pure.
//!
//! Each list of calls may end anywhere: the tag that remembers comes before everything that it is about, and goes after it.

use hatoba_engine::desired::Resolved;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use serde::{Deserialize, Serialize};

use super::scaling::{Action, Bounds, Do, NOTHING, START, Scaling, Target, UNTIL};

/// The tag that says that a scalable target is ours.
pub(super) const TAG_SCALING: &str = "hatoba:scaling";
/// The tag that remembers what a service was like before it was stopped.
pub(super) const TAG_DOWN: &str = "hatoba:down";
/// The field of a wish that holds what such a tag is to say.
pub(crate) const REMEMBERED: &str = "remembered";
/// Under this name a sighting keeps what was seen.
const NOTE: &str = "scaling";

/// What a service was like before it was stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// How many copies ran.
    pub(super) count: i64,
    /// Between which numbers.
    pub(super) bounds: Option<Bounds>,
    /// Whether somebody had suspended what happens on schedule.
    pub(super) suspended: bool,
    /// When `up --for` ends: `2026-11-21T20:00:00`, in UTC. Then it is down again.
    pub(super) until: Option<String>,
}

impl Memory {
    /// As a tag holds it, with characters that every tag may have: `count=2 min=1 max=4 suspended=true`.
    pub(super) fn text(&self) -> String {
        let mut words = vec![format!("count={}", self.count)];
        words.extend(self.bounds.iter().flat_map(|(min, max)| [format!("min={min}"), format!("max={max}")]));
        words.extend(self.suspended.then(|| "suspended=true".to_owned()));
        words.extend(self.until.iter().map(|until| format!("until={until}")));
        words.join(" ")
    }

    /// What a tag holds. Words that somebody else wrote into it are not understood, and do no harm.
    pub(super) fn read(text: &str) -> Self {
        let word = |name: &str| {
            text.split(' ')
                .find_map(|word| word.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, value)| value)
        };
        let bound = |name| word(name).and_then(|bound| bound.parse().ok());
        Self {
            count: word("count").and_then(|count| count.parse().ok()).unwrap_or_default(),
            bounds: bound("min").zip(bound("max")),
            suspended: word("suspended") == Some("true"),
            until: word("until").map(str::to_owned),
        }
    }
}

/// What was seen of a service beside its fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// What the tag says of the scalable target, if it is ours.
    pub(super) mark: Option<String>,
    pub(super) memory: Option<Memory>,
    /// How many copies should run now.
    pub(super) desired: i64,
    /// Nothing where it was not read.
    pub(super) scaling: Option<Scaling>,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    Remember(Memory),
    Forget,
    Count(i64),
    Scale(Do),
}

impl Seen {
    /// What was noted on a sighting; nothing on one that was just created.
    pub(crate) fn of(live: &Sighting) -> Option<Self> {
        serde_json::from_str(live.notes.get(NOTE)?).ok()
    }

    pub(super) fn note(&self, live: &mut Sighting) {
        live.notes.extend(serde_json::to_string(self).ok().map(|text| (NOTE.to_owned(), text)));
    }

    /// Whether tags tell that there is something at Application Auto Scaling.
    pub(super) fn tells_of_target(&self) -> bool {
        self.mark.is_some()
            || self.memory.as_ref().is_some_and(|memory| memory.bounds.is_some() || memory.until.is_some())
    }

    /// Whether a target goes with the service: the file's, or the one that ends an `up --for`.
    pub(super) fn owns_target(&self) -> bool {
        self.mark.is_some() || self.is_temporary()
    }

    /// Whether the target is only there to end an `up --for`.
    fn is_temporary(&self) -> bool {
        let memory = self.memory.as_ref();
        self.mark.is_none() && memory.is_some_and(|memory| memory.until.is_some() && memory.bounds.is_none())
    }

    fn there(&self) -> Scaling {
        self.scaling.clone().unwrap_or_default()
    }

    /// How many copies ran before, if any did.
    pub(crate) fn remembered(&self) -> Option<i64> {
        self.memory.as_ref().map(|memory| memory.count).filter(|count| *count > 0)
    }

    /// Whether `down` stopped it, or is about to.
    pub(crate) fn is_down(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether it runs by an `up --for` that lasts.
    pub(super) fn is_up_for_a_while(&self) -> bool {
        let has_end = self.scaling.as_ref().is_some_and(|scaling| scaling.actions.contains_key(UNTIL));
        self.memory.as_ref().is_some_and(|memory| memory.until.is_some()) && has_end && !self.at_nothing()
    }

    /// Whether a schedule or a load of the file's moves it.
    pub(crate) fn is_scaled(&self) -> bool {
        self.mark.is_some()
    }

    /// Between which numbers it runs, where something scales it.
    fn bounds(&self) -> Option<Bounds> {
        let noted = self.memory.as_ref().and_then(|memory| memory.bounds);
        let scaling = self.scaling.as_ref().filter(|scaling| scaling.target.is_some() && !self.is_temporary())?;
        scaling.running(self.mark.as_deref()).or(noted)
    }

    /// As many copies, or as near to it as what scales it allows.
    pub(crate) fn allowed(&self, copies: i64) -> i64 {
        self.bounds().map_or(copies, |(min, max)| copies.clamp(min.into(), max.max(min).into()))
    }

    /// What a service that takes its place has to remember, if `down` holds this one stopped.
    pub(crate) fn held(&self) -> Option<String> {
        let memory = self.memory.clone().filter(|_| self.is_held())?;
        Some(Memory { until: None, ..memory }.text())
    }

    /// When an `up --for` ends that this one runs by.
    pub(crate) fn ends(&self) -> Option<String> {
        let until = self.memory.as_ref().filter(|_| !self.is_held())?.until.as_deref();
        until.map(readable)
    }

    /// Whether `down` holds it stopped. While an `up --for` lasts it is remembered, too, but runs.
    pub(super) fn is_held(&self) -> bool {
        self.memory.is_some() && self.at_nothing()
    }

    fn at_nothing(&self) -> bool {
        self.desired == 0 && self.there().target.as_ref().is_none_or(|target| target.bounds == NOTHING)
    }

    /// `running` in normal form.
    pub(super) fn running(&self) -> Value {
        let scaling = self.there();
        let until = scaling.actions.get(UNTIL).map(|action| ends(&action.schedule));
        let at_nothing = self.at_nothing();
        let Some(memory) = &self.memory else {
            return match until {
                _ if scaling.is_stopped() => Value::text("stopped on schedule"),
                Some(until) => Value::Text(until),
                None if self.desired == 0 => Value::text("no copy"),
                None => true.into(),
            };
        };
        let woken = scaling.actions.contains_key(START) && scaling.target.as_ref().is_some_and(|t| !t.suspended);
        // A `down` ends the `up --for` before it, and an `up --for` sets up its end: something of that is missing.
        let halfway = memory.until.is_some()
            && self
                .scaling
                .as_ref()
                .is_some_and(|scaling| scaling.target.as_ref().is_none_or(|target| target.suspended));
        match (&memory.until, until) {
            _ if at_nothing && !woken && !halfway => false.into(),
            (Some(_), Some(until)) => Value::Text(until),
            _ => Value::text("partly"),
        }
    }

    /// What somebody who looks at the plan should know.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut out = Vec::new();
        let until = self.memory.as_ref().and_then(|memory| memory.until.as_deref());
        match (&self.running(), &self.memory) {
            (Value::Bool(false), _) => out.push(match until {
                Some(until) => format!(
                    "stopped at the end of `hatoba up --for` ({}); `hatoba up` starts it again",
                    readable(until)
                ),
                None => "stopped by `hatoba down`; `hatoba up` starts it again".to_owned(),
            }),
            (Value::Text(text), Some(_)) if text == "partly" => {
                out.push("a `hatoba down` or `hatoba up` did not come to its end: run it again".to_owned());
            }
            (Value::Text(text), _) if text.starts_with("until ") => {
                out.push(format!("runs {text} (`hatoba up --for`); then it is stopped"));
            }
            (Value::Text(text), None) if text == "stopped on schedule" => {
                out.push("stopped on schedule until its next start; `hatoba up` starts it now".to_owned());
            }
            _ => {}
        }
        let scaling = self.there();
        let others = scaling.others();
        if !others.is_empty() {
            out.push(format!("its scaling also has {}, not by hatoba: left alone", others.join(", ")));
        }
        out
    }

    /// The calls that lead to what is wanted of `running`, in order; with so many copies, one unless stated.
    pub(super) fn turns(&self, running: Option<&Value>, copies: Option<i64>) -> Vec<Turn> {
        match running {
            Some(Value::Bool(false)) | None => self.stop(),
            Some(other) => self.start(copies.unwrap_or(1), moment_of(other).as_deref()),
        }
    }

    /// Stops it: the calls in order.
    pub(super) fn stop(&self) -> Vec<Turn> {
        let (scaling, mut turns) = (self.there(), Vec::new());
        let target = scaling.target.as_ref().filter(|_| !self.is_temporary());
        // Somebody else's target comes back as it was, even at nothing.
        let as_it_is = |target: &Target| self.mark.is_none().then_some(target.bounds);
        let bounds = target.and_then(|target| scaling.running(self.mark.as_deref()).or_else(|| as_it_is(target)));
        let suspended = target.is_some_and(|target| target.suspended);
        let memory = self.memory.clone().unwrap_or(Memory { count: self.desired, bounds, suspended, until: None });
        if self.memory.is_none() {
            turns.push(Turn::Remember(memory.clone()));
        }
        if self.is_temporary() {
            turns.push(Turn::Scale(Do::Deregister));
        } else if scaling.target.is_some() {
            if scaling.actions.contains_key(UNTIL) {
                turns.push(Turn::Scale(Do::DeleteAction(UNTIL.to_owned())));
            }
            // Nothing that happens on schedule may start it again.
            turns.push(Turn::Scale(Do::Register { bounds: NOTHING, suspended: true }));
        }
        turns.push(Turn::Count(0));
        if memory.until.is_some() {
            turns.push(Turn::Remember(Memory { until: None, ..memory }));
        }
        turns
    }

    /// Starts so many copies, for good or until a moment.
    pub(super) fn start(&self, copies: i64, until: Option<&str>) -> Vec<Turn> {
        let (scaling, mut turns) = (self.there(), Vec::new());
        let suspended = self.memory.as_ref().is_some_and(|memory| memory.suspended);
        let (bounds, copies) = (self.bounds(), self.allowed(copies));
        let Some(until) = until else {
            if self.is_temporary() {
                turns.push(Turn::Scale(Do::Deregister));
            }
            if scaling.actions.contains_key(UNTIL) && !self.is_temporary() {
                turns.push(Turn::Scale(Do::DeleteAction(UNTIL.to_owned())));
            }
            turns.extend(bounds.map(|bounds| Turn::Scale(Do::Register { bounds, suspended })));
            turns.push(Turn::Count(copies));
            turns.extend(self.memory.is_some().then_some(Turn::Forget));
            return turns;
        };
        // Without a start on schedule nothing wakes it after the end: it is down again then.
        let stays_down = !scaling.actions.contains_key(START);
        if stays_down {
            turns.push(Turn::Remember(Memory { count: copies, bounds, suspended, until: Some(until.to_owned()) }));
        }
        let exactly = |count: i64| i32::try_from(count).map(|count| (count, count)).unwrap_or(NOTHING);
        if scaling.target.is_none() {
            // Moves nothing: it does not run before its end is set.
            turns.push(Turn::Scale(Do::Register { bounds: exactly(self.desired), suspended: false }));
        }
        let end = Action::new(&format!("at({until})"), "UTC", NOTHING);
        turns.push(Turn::Scale(Do::PutAction(UNTIL.to_owned(), end)));
        turns.push(Turn::Scale(Do::Register { bounds: bounds.unwrap_or_else(|| exactly(copies)), suspended: false }));
        turns.push(Turn::Count(copies));
        turns.extend((!stays_down && self.memory.is_some()).then_some(Turn::Forget));
        turns
    }
}

/// What a service is to remember that is created stopped, because its predecessor was; nothing for any other.
pub(super) fn begins_stopped(want: &Resolved) -> Option<&str> {
    want.text(REMEMBERED).filter(|_| want.bool("running") == Some(false))
}

/// How many copies such a service remembers.
pub(crate) fn count_of(memory: &str) -> Option<i64> {
    Some(Memory::read(memory).count).filter(|count| *count > 0)
}

/// `until 2026-11-21 20:00:00 UTC` of `at(2026-11-21T20:00:00)`.
fn ends(schedule: &str) -> String {
    let moment = schedule.trim_start_matches("at(").trim_end_matches(')');
    format!("until {}", readable(moment))
}

/// `2026-11-21 20:00:00 UTC` of `2026-11-21T20:00:00`.
pub(crate) fn readable(moment: &str) -> String {
    format!("{} UTC", moment.replace('T', " "))
}

/// The opposite: the moment that a wish for `running` names.
pub(super) fn moment_of(running: &Value) -> Option<String> {
    let text = running.as_text()?.strip_prefix("until ")?.strip_suffix(" UTC")?;
    Some(text.replace(' ', "T"))
}

#[cfg(test)]
#[path = "power_tests.rs"]
mod tests;
