//! Days of the calendar, and the span that schedules are judged over.

/// The first of the years that stand for all years.
const FIRST_YEAR: u16 = 2001;
/// After 28 years the days of the week fall on the same dates again, as long as no century comes between (1901 to 2099).
const YEARS: u16 = 28;
/// 1 January 2001 was a Monday.
const FIRST_WEEKDAY: u8 = 2;

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The year, such as 2026.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 1 to 7 from Sunday, as AWS counts.
    pub weekday: u8,
}

impl Day {
    /// The number of its month's last day.
    pub fn last_of_month(self) -> u8 {
        days_in(self.year, self.month)
    }
}

/// How many days a month has; none for a month that does not exist.
pub fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

/// Every day of 28 years, after which the calendar repeats: 1461 whole weeks.
pub fn cycle() -> impl Iterator<Item = Day> {
    let dates = (FIRST_YEAR..FIRST_YEAR + YEARS)
        .flat_map(|year| (1..=12).flat_map(move |month| (1..=days_in(year, month)).map(move |day| (year, month, day))));
    dates.zip(weekdays_from(FIRST_WEEKDAY)).map(|((year, month, day), weekday)| Day { year, month, day, weekday })
}

/// Days of the week for ever.
fn weekdays_from(first: u8) -> impl Iterator<Item = u8> {
    (1..=7).cycle().skip(usize::from(first) - 1)
}

/// Every day of a year from 1970 on.
pub fn year(year: u16) -> impl Iterator<Item = Day> {
    // 1 January 1970 was a Thursday.
    let before: u32 = (1970..year).map(|year| if days_in(year, 2) == 29 { 366 } else { 365 }).sum();
    let first = u8::try_from((4 + before) % 7).unwrap_or_default() + 1;
    let dates = (1..=12).flat_map(move |month| (1..=days_in(year, month)).map(move |day| (month, day)));
    dates.zip(weekdays_from(first)).map(move |((month, day), weekday)| Day { year, month, day, weekday })
}

/// The moment so many seconds after the beginning of 1970, as `at(…)` takes it: `2026-11-21T20:00:00`, in UTC. None after the year 9999.
pub fn moment(seconds: u64) -> Option<String> {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    for number in 1970..10_000 {
        let length = if days_in(number, 2) == 29 { 366 } else { 365 };
        if days < length {
            let day = year(number).nth(usize::try_from(days).ok()?)?;
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            let (month, day) = (day.month, day.day);
            return Some(format!("{number}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"));
        }
        days -= length;
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::{cycle, moment, year};

    #[test]
    fn the_cycle_is_whole_weeks_and_agrees_with_its_years() {
        assert_eq!(cycle().count(), 1461 * 7);
        let years: Vec<_> = (2001..2029).flat_map(year).collect();
        assert_eq!(cycle().collect::<Vec<_>>(), years);
    }

    #[test]
    fn moments_are_written_as_aws_takes_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_795_290_245, "2026-11-21T19:44:05"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!(moment(seconds).unwrap(), text);
        }
        assert_eq!(moment(u64::MAX), None);
    }

    #[test]
    fn known_days_fall_where_they_fell() {
        let weekday = |y, month, day| year(y).find(|d| (d.month, d.day) == (month, day)).unwrap().weekday;
        assert_eq!(weekday(1970, 1, 1), 5);
        assert_eq!(weekday(2000, 2, 29), 3);
        assert_eq!(weekday(2026, 11, 21), 7);
        assert_eq!(weekday(2100, 3, 1), 2);
    }
}
