//! Lines of logs, with a colour for each task.

use hatoba_model::schedule::day::moment;
use hatoba_provider::log_events::LogEvent;

use super::Tone;
use super::line::Line;
use super::rollout::short;

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

/// The lines of an event, never broken: the task, the container, and what it wrote.
pub(crate) fn lines(event: &LogEvent, streams: &mut Streams, timestamps: bool) -> Vec<Line> {
    let mut parts = event.stream.rsplit('/');
    let task = parts.next().unwrap_or_default();
    let container = parts.next().unwrap_or_default();
    let one = |text: String| {
        let mut line = Line::new(0).whole();
        if timestamps {
            line = line.add(Tone::Faint, &format!("{}  ", clock(event.at)));
        }
        line.add(streams.tone(task), &format!("{} {container}", short(task))).add(Tone::Faint, " | ").text(&text)
    };
    written(&event.message).map(one).collect()
}

/// The lines of a message as they were written: in a stack trace the indentation says what belongs to what.
pub(crate) fn written(message: &str) -> impl Iterator<Item = String> {
    message.trim_end().split('\n').map(|line| line.trim_end().replace('\t', "    "))
}

/// `2027-01-15T08:00:00.123Z`.
fn clock(at: i64) -> String {
    let at = at.unsigned_abs();
    format!("{}.{:03}Z", moment(at / 1_000).unwrap_or_default(), at % 1_000)
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
            &lines(&event("ecs/app/3f2a91c0ffee", "hello \u{1b}[31mred\n"), &mut streams, false),
            Style::PLAIN,
        );
        assert!(written.starts_with("3f2a91c0 app | hello "), "{written}");
        assert!(!written.contains('\u{1b}'), "{written:?}");
        let timed = write_all(&lines(&event("ecs/app/1", "x"), &mut streams, true), Style::PLAIN);
        assert_eq!(timed, "2027-01-15T08:00:00.123Z  1 app | x\n");
    }

    #[test]
    fn lines_keep_their_indentation() {
        let trace = event("ecs/app/1", "KeyError\r\n  File \"a.py\"\n\tat b.Main\n\n  end  \n\n");
        let said = write_all(&lines(&trace, &mut Streams::default(), false), Style::PLAIN);
        assert_eq!(said, "1 app | KeyError\n1 app |   File \"a.py\"\n1 app |     at b.Main\n1 app | \n1 app |   end\n");
        assert_eq!(written("").collect::<Vec<_>>(), [""]);
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
