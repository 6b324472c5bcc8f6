//! What a person sees while a plan is carried out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::execute::{Event, StepEnd};
use hatoba_engine::plan::{Act, Plan, Step, StepId};
use hatoba_engine::wait::Until;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::render::line::Line;
use crate::render::{Style, Tone, one_line, safe};
use crate::ui::Ui;

/// Without a terminal, what a resource waits for is told only this often.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// Draws events: on a terminal one line per running resource with finished ones above, elsewhere plain lines.
pub(crate) struct Progress<'a> {
    plan: &'a Plan,
    ui: &'a Ui,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<StepId, Running>,
    /// How many steps have ended.
    ended: usize,
    /// How many lines of the live part are on the screen.
    drawn: usize,
}

/// A step that runs.
struct Running {
    /// When it began, since the beginning of the run.
    since: Duration,
    doing: String,
    /// When that was last told without a terminal.
    told: Duration,
}

impl<'a> Progress<'a> {
    /// Of a plan that is about to be carried out.
    pub(crate) fn new(plan: &'a Plan, ui: &'a Ui) -> Self {
        Self { plan, ui, began: Instant::now(), state: Mutex::default() }
    }

    /// Takes in an event.
    pub(crate) fn event(&self, event: Event) {
        let now = self.began.elapsed();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started(id) => {
                let doing = self.plan.steps.get(id).map(doing).unwrap_or_default().to_owned();
                state.running.insert(id, Running { since: now, doing, told: now });
            }
            Event::Calling(id, call) => {
                tracing::info!(resource = %self.address(id), call, "calling");
                if let Some(running) = state.running.get_mut(&id) {
                    running.doing = format!("calling {call}");
                }
            }
            Event::Waiting(id, what, _) => {
                tracing::info!(resource = %self.address(id), what, "waiting");
                self.waits(&mut state, id, now, format!("waiting: {what}"));
            }
            Event::Retrying(id, error, pause) => {
                tracing::info!(resource = %self.address(id), %error, ?pause, "trying again");
                self.waits(&mut state, id, now, retrying(&error, pause));
            }
            Event::Ended(id, end) => {
                let since = state.running.remove(&id).map_or(now, |running| running.since);
                state.ended += 1;
                self.erase(&mut state);
                if let Some(step) = self.plan.steps.get(id) {
                    self.ui.tell(&[ended(step, &end, now.saturating_sub(since))]);
                }
            }
        }
        self.draw(&mut state, now);
    }

    /// Draws the elapsed times anew.
    pub(crate) fn tick(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.draw(&mut state, self.began.elapsed());
    }

    /// Says something between the finished ones and the running ones.
    pub(crate) fn tell(&self, line: &Line) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.erase(&mut state);
        self.ui.tell(std::slice::from_ref(line));
        self.draw(&mut state, self.began.elapsed());
    }

    /// Takes the live part off the screen.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.erase(&mut state);
    }

    fn address(&self, id: StepId) -> String {
        self.plan.steps.get(id).map(|step| step.address.to_string()).unwrap_or_default()
    }

    fn waits(&self, state: &mut State, id: StepId, now: Duration, doing: String) {
        let Some(running) = state.running.get_mut(&id) else { return };
        running.doing = doing;
        if self.ui.live.is_none() && now.saturating_sub(running.told) >= QUIET {
            running.told = now;
            let text =
                format!("… {}: {} ({})", self.address(id), running.doing, time(now.saturating_sub(running.since)));
            self.ui.tell(&[Line::new(0).text(&text)]);
        }
    }

    fn erase(&self, state: &mut State) {
        if state.drawn > 0 {
            self.ui.raw(&format!("\u{1b}[{}A\u{1b}[J", state.drawn));
            state.drawn = 0;
        }
    }

    fn draw(&self, state: &mut State, now: Duration) {
        let Some(height) = self.ui.live else { return };
        self.erase(state);
        let running: Vec<(String, &str, Duration)> = state
            .running
            .iter()
            .map(|(id, running)| (self.address(*id), running.doing.as_str(), now.saturating_sub(running.since)))
            .collect();
        let lines = frame(&running, (state.ended, self.plan.steps.len()), height, self.ui.err);
        state.drawn = lines.len();
        self.ui.raw(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
}

/// What a step does first.
fn doing(step: &Step) -> &'static str {
    match step.act {
        Act::Create { .. } => "creating",
        Act::Update { .. } => "changing",
        Act::Delete { .. } => "deleting",
        Act::Release => "letting go",
        Act::Settle { .. } => "waiting",
    }
}

/// Why a call is made again, in words where its class has some.
fn retrying(error: &CloudError, pause: Duration) -> String {
    let why = match error.class {
        Class::Throttled => "AWS asks for fewer calls".to_owned(),
        Class::NotYet => "AWS has not caught up".to_owned(),
        Class::Busy => format!("still in use ({})", error.code.as_deref().unwrap_or(&error.message)),
        _ => error.code.clone().unwrap_or_else(|| error.message.clone()),
    };
    format!("{}: {why}; again in {}", error.call, time(pause))
}

/// A time as people read it: `0.4 s`, `12 s`, `3 min 20 s`.
pub(crate) fn time(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f32()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// The line that stays of a step.
fn ended(step: &Step, end: &StepEnd, took: Duration) -> Line {
    let done = match step.act {
        Act::Create { .. } => "created",
        Act::Update { .. } => "changed",
        Act::Delete { .. } => "deleted",
        Act::Release => "let go of",
        Act::Settle { until: Until::Ready } => "ready",
        Act::Settle { until: Until::Gone } => "gone",
    };
    let line = |tone: Tone, sign: &str| Line::new(0).hang(4).add(tone, sign).text(&format!(" {}: ", step.address));
    match end {
        StepEnd::Done => line(Tone::Add, "✓").text(&format!("{done} in {}", time(took))),
        StepEnd::AlreadyDone => line(Tone::Add, "✓").text(&format!("{done} already")),
        StepEnd::Failed(error) => line(Tone::Error, "✗").text(&one_line(&error.to_string())),
        StepEnd::NotTried => line(Tone::Faint, "·").add(Tone::Faint, "not tried"),
    }
}

/// The live part: never wider than the terminal, for a line that wraps could not be erased, and never higher.
pub(crate) fn frame(
    running: &[(String, &str, Duration)],
    (ended, all): (usize, usize),
    height: usize,
    style: Style,
) -> Vec<String> {
    if running.is_empty() {
        return Vec::new();
    }
    // One line for the count, one for the cursor, one for what does not fit.
    let room = height.saturating_sub(3).max(1);
    let names = running.iter().take(room).map(|(address, ..)| safe(address).width()).max().unwrap_or(0).min(40);
    let mut lines = Vec::new();
    for (address, doing, elapsed) in running.iter().take(room) {
        let address = safe(address);
        let pad = " ".repeat(names.saturating_sub(address.width()));
        let elapsed = format!("{} s", elapsed.as_secs());
        lines.push(cut(&format!("  {address}{pad}  {elapsed:>6}  {}", safe(doing)), style.width));
    }
    if running.len() > room {
        lines.push(cut(&format!("  … and {} more", running.len() - room), style.width));
    }
    // Of one thing its own line says everything.
    if all > 1 {
        lines.push(style.paint(Tone::Faint, &cut(&format!("  {ended} of {all} done"), style.width)));
    }
    lines
}

/// A line, cut to one column less than there are: some terminals wrap in the last one.
fn cut(line: &str, width: usize) -> String {
    if line.width() < width {
        return line.to_owned();
    }
    let mut used = 0;
    let begin = line.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used + 1 < width
    });
    begin.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use hatoba_engine::execute::StepError;

    use super::*;
    use crate::render::line::write_all;
    use crate::render::testkit::create;

    fn told(line: &Line) -> String {
        write_all(std::slice::from_ref(line), Style::PLAIN)
    }

    #[test]
    fn finished_steps_leave_one_line() {
        let step = create("papyrus", vec![]);
        assert_eq!(
            told(&ended(&step, &StepEnd::Done, Duration::from_millis(1234))),
            "✓ thing.papyrus: created in 1.2 s\n"
        );
        assert_eq!(told(&ended(&step, &StepEnd::NotTried, Duration::ZERO)), "· thing.papyrus: not tried\n");
        let error = CloudError::new(Class::Denied, "iam:CreateRole", "\u{1b}[31mno");
        let failed = StepEnd::Failed(StepError::Cloud(error));
        assert_eq!(told(&ended(&step, &failed, Duration::ZERO)), "✗ thing.papyrus: iam:CreateRole: \\u{1b}[31mno\n");
    }

    #[test]
    fn the_live_part_fits_the_terminal_and_counts_the_rest() {
        let long = "waiting: \u{1b}[2J".to_owned() + &"波".repeat(60);
        let running: Vec<(String, &str, Duration)> =
            (0..30).map(|n| (format!("service.s{n}"), long.as_str(), Duration::from_secs(61))).collect();
        let lines = frame(&running, (3, 40), 10, Style::plain(60));
        assert_eq!(lines.len(), 9);
        assert!(lines.iter().all(|line| line.width() < 60 && !line.contains('\u{1b}')), "{lines:#?}");
        assert!(lines[0].starts_with("  service.s0    61 s  waiting: \\u{1b}[2J波"), "{}", lines[0]);
        assert_eq!(lines[7], "  … and 23 more");
        assert_eq!(lines[8], "  3 of 40 done");
        assert!(frame(&[], (40, 40), 10, Style::PLAIN).is_empty());
        assert_eq!(frame(&running[..1], (0, 1), 10, Style::plain(60)).len(), 1);
    }

    #[test]
    fn times_are_readable() {
        let shown = [400, 12_700, 200_000].map(|millis| time(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.4 s", "12 s", "3 min 20 s"]);
    }
}
