//! Points in time as conditions write them.

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub(super) type Instant = i128;

const SECOND: i128 = 1_000_000_000;

/// Reads the forms of ISO 8601 that the W3C note on dates and times lists (`2026`, `2026-08`, `2026-08-15`,
/// `2026-08-15T09:00Z`, `2026-08-15T09:00:00Z`, `2026-08-15T09:00:00.5+09:00`), and seconds since 1970 (IAM User Guide, "Date
/// condition operators"). Four digits are a year.
pub(super) fn parse(text: &str) -> Option<Instant> {
    if text.len() != 4 && text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit()) {
        return Some(i128::from(text.parse::<i64>().ok()?) * SECOND);
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let complete = date.len() == 10;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let midnight = i128::from(days_since_1970(year, month, day)) * 86_400 * SECOND;
    match time {
        None => Some(midnight),
        Some(time) if complete => Some(midnight + time_of_day(time)?),
        Some(_) => None,
    }
}

/// `09:00Z`, `09:00:00.5+09:00`: the time since midnight UTC.
fn time_of_day(text: &str) -> Option<i128> {
    let zone = text.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone);
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let size = hours * 60 + minutes;
            if zone.starts_with('-') { -size } else { size }
        }
    };
    let mut parts = clock.split(':');
    let (hours, minutes) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (seconds, nanoseconds) = match parts.next() {
        None => (0, 0),
        Some(part) => match part.split_once('.') {
            None => (digits(part, 2)?, 0),
            Some((seconds, fraction)) => (digits(seconds, 2)?, nanoseconds(fraction)?),
        },
    };
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    Some(i128::from((hours * 60 + minutes - offset) * 60 + seconds) * SECOND + nanoseconds)
}

/// Exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The digits behind a decimal point; more than nine are cut off.
fn nanoseconds(fraction: &str) -> Option<i128> {
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let years = before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    // The same sum for 1969.
    const EPOCH: i64 = 719_162;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years - EPOCH + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::{SECOND, parse};

    #[test]
    fn forms_of_a_date() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-03-01", 951_868_800),
            ("2026-08", 1_785_542_400),
            ("2026-08-15T09:00Z", 1_786_784_400),
            ("2026-08-15T09:00:30+09:00", 1_786_752_030),
            ("2026-08-14T23:00:30-01:00", 1_786_752_030),
            ("1786752030", 1_786_752_030),
            ("-5", -5),
            ("0001-01-01", -62_135_596_800),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Some(seconds * SECOND), "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:00.25Z"), Some(SECOND / 4));
        assert_eq!(parse("1970-01-01T00:00:00.1234567891Z"), Some(123_456_789));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "-",
            "x",
            "2026-13",
            "2026-02-29",
            "2026-00-01",
            "2026-8-15",
            "2026-08-15T",
            "2026-08-15T09:00",
            "2026-08-15T09Z",
            "2026-08-15T24:00Z",
            "2026-08-15T09:61Z",
            "2026-08-15T09:00:00.Z",
            "2026-08-15T09:00+0900",
            "2026-08-15T09:00+é9:00",
            "2026-08-15 09:00Z",
            "2026-08T09:00Z",
            "99999999999999999999",
            "2026-08-15-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
