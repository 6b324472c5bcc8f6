//! What a person sees while a plan is carried out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hatoba_engine::execute::{Event, StepEnd};
use hatoba_engine::plan::{Act, Plan, Step, StepId};
use unicode_width::UnicodeWidthChar as _;

use crate::render::{Style, safe};
use crate::ui::Ui;

/// Draws events: on a terminal one line per running resource with finished ones above, elsewhere plain lines.
pub(crate) struct Progress<'a> {
    plan: &'a Plan,
    ui: &'a Ui,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<StepId, Running>,
    /// How many lines of the live part are on the screen.
    drawn: usize,
}

struct Running {
    since: Instant,
    doing: String,
    /// When a wait was last told without a terminal.
    told: Option<Instant>,
}

/// Without a terminal a wait is told again only this often.
const QUIET: Duration = Duration::from_secs(10);

impl<'a> Progress<'a> {
    pub(crate) fn new(plan: &'a Plan, ui: &'a Ui) -> Self {
        Self { plan, ui, state: Mutex::default() }
    }

    /// Takes in an event.
    pub(crate) fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started(id) => {
                state.running.insert(id, Running { since: Instant::now(), doing: self.verb(id).to_owned(), told: None });
            }
            Event::Calling(id, call) => self.doing(&mut state, id, call.to_owned(), false),
            Event::Waiting(id, what, elapsed) => {
                self.doing(&mut state, id, format!("waiting: {} ({} s)", safe(&what), elapsed.as_secs()), true);
            }
            Event::Retrying(id, error, pause) => {
                let code = error.code.as_deref().unwrap_or(&error.message);
                let text = format!("{} in {:.1} s: {}", error.call, pause.as_secs_f32(), safe(code));
                self.doing(&mut state, id, format!("again {text}"), true);
            }
            Event::Ended(id, end) => self.ended(&mut state, id, &end),
        }
        self.draw(&mut state);
    }

    /// Draws the elapsed times anew.
    pub(crate) fn tick(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.draw(&mut state);
    }

    fn step(&self, id: StepId) -> Option<&Step> {
        self.plan.steps.get(id)
    }

    fn verb(&self, id: StepId) -> &'static str {
        match self.step(id).map(|step| &step.act) {
            Some(Act::Create { .. }) => "creating",
            Some(Act::Update { .. }) => "changing",
            Some(Act::Delete { .. }) => "deleting",
            Some(Act::Release) => "letting go",
            Some(Act::Settle { .. }) | None => "waiting",
        }
    }

    fn doing(&self, state: &mut State, id: StepId, doing: String, tell: bool) {
        let live = self.ui.live;
        let Some(running) = state.running.get_mut(&id) else { return };
        running.doing = doing;
        let due = running.told.is_none_or(|told| told.elapsed() >= QUIET) && running.since.elapsed() >= Duration::from_secs(1);
        if !live && tell && due {
            running.told = Some(Instant::now());
            let line = format!("  {}: {}", self.address(id), running.doing);
            self.ui.say(&line);
        }
    }

    fn address(&self, id: StepId) -> String {
        self.step(id).map(|step| safe(&step.address.to_string())).unwrap_or_default()
    }

    fn ended(&self, state: &mut State, id: StepId, end: &StepEnd) {
        let elapsed = state.running.remove(&id).map(|running| running.since.elapsed()).unwrap_or_default();
        let style = self.ui.err;
        let done = match self.step(id).map(|step| &step.act) {
            Some(Act::Create { .. }) => "created",
            Some(Act::Update { .. }) => "changed",
            Some(Act::Delete { .. }) => "deleted",
            Some(Act::Release) => "let go of",
            Some(Act::Settle { .. }) | None => "ready",
        };
        let address = self.address(id);
        let line = match end {
            StepEnd::Done => format!("{} {address}: {done} ({:.1} s)", style.add("✓"), elapsed.as_secs_f32()),
            StepEnd::AlreadyDone => format!("{} {address}: {done} already", style.add("✓")),
            StepEnd::Failed(error) => format!("{} {address}: {}", style.bad("✗"), safe(&error.to_string())),
            StepEnd::NotTried => format!("{} {address}: not tried", style.faint("·")),
        };
        self.erase(state);
        self.ui.say(&line);
    }

    fn erase(&self, state: &mut State) {
        if state.drawn > 0 {
            self.ui.raw(&format!("\u{1b}[{}A\u{1b}[J", state.drawn));
            state.drawn = 0;
        }
    }

    fn draw(&self, state: &mut State) {
        if !self.ui.live {
            return;
        }
        self.erase(state);
        let mut text = String::new();
        for (id, running) in &state.running {
            let line = format!("  {}  {}  {} s", self.address(*id), running.doing, running.since.elapsed().as_secs());
            text.push_str(&cut(&line, self.ui.err));
            text.push('\n');
        }
        state.drawn = state.running.len();
        self.ui.raw(&text);
    }
}

/// A line that would wrap could not be erased.
fn cut(line: &str, style: Style) -> String {
    let mut width = 0;
    line.chars()
        .take_while(|c| {
            width += c.width().unwrap_or_default();
            width < style.width
        })
        .collect()
}
