//! Lines of logs, with a colour for each task.

use hatoba_provider::log_events::LogEvent;

use super::line::Line;
use super::{Tone, one_line};

/// How much of a task's id is enough to tell it from others.
const ID: usize = 8;

/// The streams that were met, in that order: the order gives a task its colour.
#[derive(Debug, Default)]
pub(crate) struct Streams(Vec<String>);

impl Streams {
    fn tone(&mut self, task: &str) -> Tone {
        const TONES: [Tone; 5] = [Tone::Help, Tone::Add, Tone::Replace, Tone::Change, Tone::Strong];
        let at = match self.0.iter().position(|known| known == task) {
            Some(at) => at,
            None => {
                self.0.push(task.to_owned());
                self.0.len() - 1
            }
        };
        TONES.get(at % TONES.len()).copied().unwrap_or(Tone::Plain)
    }
}

/// A line: the task, the container, and what it wrote, never broken.
pub(crate) fn line(event: &LogEvent, streams: &mut Streams, timestamps: bool) -> Line {
    let mut parts = event.stream.rsplit('/');
    let task = parts.next().unwrap_or_default();
    let container = parts.next().unwrap_or_default();
    let short: String = task.chars().take(ID).collect();
    let mut line = Line::new(0).whole();
    if timestamps {
        line = line.add(Tone::Faint, &format!("{}  ", clock(event.at)));
    }
    line.add(streams.tone(task), &format!("{short} {container}"))
        .add(Tone::Faint, " | ")
        .text(&one_line(event.message.trim_end()))
}

/// `2027-01-15T08:00:00.123Z`. Source of the reckoning: days since the era as in the proleptic Gregorian calendar.
fn clock(at: i64) -> String {
    let (days, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    // Years begin in March here, so that the leap day is the last of a year.
    let day = days + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (era * 400 + year, month + 3),
        _ => (era * 400 + year + 1, month - 9),
    };
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    format!("{year:04}-{month:02}-{date:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", rest % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::line::write_all;

    fn event(stream: &str, message: &str) -> LogEvent {
        LogEvent { id: "1".into(), at: 1_800_000_000_123, stream: stream.into(), message: message.into() }
    }

    #[test]
    fn a_line_names_task_and_container_and_no_escape_gets_through() {
        let mut streams = Streams::default();
        let written = write_all(
            &[line(&event("ecs/app/3f2a91c0ffee", "hello \u{1b}[31mred\n"), &mut streams, false)],
            Style::PLAIN,
        );
        assert!(written.starts_with("3f2a91c0 app | hello "), "{written}");
        assert!(!written.contains('\u{1b}'), "{written:?}");
        let timed = write_all(&[line(&event("ecs/app/1", "x"), &mut streams, true)], Style::PLAIN);
        assert_eq!(timed, "2027-01-15T08:00:00.123Z  1 app | x\n");
    }

    #[test]
    fn a_task_keeps_its_colour_and_the_next_has_another() {
        let mut streams = Streams::default();
        let (a, b) = (streams.tone("a"), streams.tone("b"));
        assert_ne!(a, b);
        assert_eq!(streams.tone("a"), a);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(clock(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(clock(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(clock(1_772_323_199_999), "2026-02-28T23:59:59.999Z");
    }
}
