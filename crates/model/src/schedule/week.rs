//! How much of a week lies between the times of one schedule and those of another.

use super::cron::Cron;
use super::day;
use super::expression::Expression;

/// The weeks of the calendar's cycle.
const WEEKS: usize = 1461;

/// How many hours of a week (0 to 168) something runs that `start` starts and `stop` stops, on the average of 28 years. Nothing where this
/// cannot be said: a schedule of other than `cron(…)`, one for some years only, or no `start`, because then somebody starts it by hand.
///
/// At the two changes of the clock a night or a day is one hour longer or shorter, which comes to nothing over a year. If both happen in the
/// same minute it stays off.
pub fn hours_per_week(start: Option<&Expression>, stop: Option<&Expression>) -> Option<f64> {
    let start = yearly(start?)?;
    let Some(stop) = stop else { return Some(168.0) };
    let stop = yearly(stop)?;
    let today = Today { starts: start.times(), stops: stop.times() };
    // Four sorts of days, each entered running or not.
    let table = |runs: bool| {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(starts, stops)| today.pass(starts, stops, runs))
    };
    let tables = [table(false), table(true)];
    let weeks = if start.is_weekly() && stop.is_weekly() { 1 } else { WEEKS };
    // The first round finds out in what state the cycle begins.
    let round = |mut runs: bool| {
        let mut minutes = 0_u32;
        for day in day::cycle().take(7 * weeks) {
            let sort = 2 * usize::from(start.on(day)) + usize::from(stop.on(day));
            let (more, then) = tables[usize::from(runs)][sort];
            minutes += more;
            runs = then;
        }
        (minutes, runs)
    };
    let (_, runs) = round(false);
    let (minutes, _) = round(runs);
    let whole = u32::try_from(60 * weeks).ok()?;
    Some(f64::from(minutes) / f64::from(whole))
}

/// The cron expression, if it is the same every year.
fn yearly(expression: &Expression) -> Option<&Cron> {
    match expression {
        Expression::Cron(cron) if cron.is_yearly() => Some(cron),
        _ => None,
    }
}

/// The minutes of a day at which it starts and stops.
struct Today<'c> {
    starts: &'c [u16],
    stops: &'c [u16],
}

impl Today<'_> {
    /// For how many minutes of a day it runs, and whether it does at the end of it.
    fn pass(&self, starts: bool, stops: bool, mut runs: bool) -> (u32, bool) {
        let starts = if starts { self.starts } else { &[] };
        let stops = if stops { self.stops } else { &[] };
        let mut events: Vec<(u16, bool)> =
            starts.iter().map(|at| (*at, true)).chain(stops.iter().map(|at| (*at, false))).collect();
        // At the same minute the stop comes last.
        events.sort_by_key(|(at, on)| (*at, !on));
        let (mut minutes, mut since) = (0, 0);
        for (at, on) in events.into_iter().chain([(24 * 60, false)]) {
            if runs {
                minutes += u32::from(at - since);
            }
            since = at;
            if at < 24 * 60 {
                runs = on;
            }
        }
        (minutes, runs)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::hours_per_week;
    use crate::schedule::Expression;

    fn hours(start: &str, stop: &str) -> Option<f64> {
        let read = |text: &str| (!text.is_empty()).then(|| text.parse::<Expression>().unwrap());
        hours_per_week(read(start).as_ref(), read(stop).as_ref())
    }

    #[test]
    fn weeks_come_out_exactly() {
        for (start, stop, expected) in [
            ("cron(0 9 ? * MON-FRI *)", "cron(0 18 ? * MON-FRI *)", 45.0),
            ("cron(30 8 ? * MON-FRI *)", "cron(15 17 * * ? *)", 43.75),
            // Over midnight, and over the weekend.
            ("cron(0 22 * * ? *)", "cron(0 6 * * ? *)", 56.0),
            ("cron(0 18 ? * FRI *)", "cron(0 8 ? * MON *)", 62.0),
            // A stop that is repeated, a start while it runs.
            ("cron(0 9,10,11 ? * 2-6 *)", "cron(0/15 18-23 * * ? *)", 45.0),
            ("cron(0 9 * * ? *)", "", 168.0),
            // The same minute: it stays off.
            ("cron(0 9 * * ? *)", "cron(0 9 * * ? *)", 0.0),
        ] {
            assert_eq!(hours(start, stop), Some(expected), "{start} {stop}");
        }
    }

    #[test]
    fn months_are_averaged() {
        // One day of each month: 336 days of 24 hours in 1461 weeks.
        let expected = 336.0 * 24.0 / 1461.0;
        assert_eq!(hours("cron(0 0 1 * ? *)", "cron(0 0 2 * ? *)"), Some(expected));
        // 7 leap days in 28 years.
        assert_eq!(hours("cron(0 0 29 2 ? *)", "cron(0 12 29 2 ? *)"), Some(7.0 * 12.0 / 1461.0));
    }

    #[test]
    fn what_nobody_can_know_is_not_said() {
        for (start, stop) in [
            ("", "cron(0 18 * * ? *)"),
            ("rate(1 day)", "cron(0 18 * * ? *)"),
            ("at(2026-12-24T18:00:00)", "cron(0 18 * * ? *)"),
            ("cron(0 9 * * ? *)", "at(2026-12-24T18:00:00)"),
            ("cron(0 9 * * ? 2026)", "cron(0 18 * * ? *)"),
        ] {
            assert_eq!(hours(start, stop), None, "{start} {stop}");
        }
    }
}
