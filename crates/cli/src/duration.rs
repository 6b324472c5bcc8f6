//! Spans of time on the command line: `90s`, `15m`, `2h`, `1d12h`.

use std::time::Duration;

/// The shortest time after which something may be stopped again: a minute, as schedules count.
const MINUTE: Duration = Duration::from_secs(60);
/// The longest: a leap year.
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// Reads a span: whole numbers with their units, one after the other.
///
/// # Errors
/// In words, when it is something else.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    read(text).ok_or_else(|| "write it as whole numbers with their units: 90s, 15m, 2h, 1d12h".to_owned())
}

/// The same, but not nothing.
///
/// # Errors
/// As [`duration`], and for nothing.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let span = duration(text)?;
    if span.is_zero() { Err("it has to be longer than nothing".to_owned()) } else { Ok(span) }
}

/// The same from a minute to a year.
///
/// # Errors
/// As [`duration`], and outside of these bounds.
pub(crate) fn minutes(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        span if span < MINUTE => Err("it is at least a minute".to_owned()),
        span if span > YEAR => Err("it is at most a year".to_owned()),
        span => Ok(span),
    }
}

fn read(text: &str) -> Option<Duration> {
    let (mut span, mut rest) = (Duration::ZERO, text);
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(letters);
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3_600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        span = span.checked_add(part)?;
        if next.is_empty() {
            return Some(span);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_alone_and_together_and_nothing_else() {
        let milliseconds = |text: &str| duration(text).ok().map(|span| span.as_millis());
        let read = ["500ms", "90s", "15m", "2h", "1d12h", "1h30m"].map(milliseconds);
        assert_eq!(read, [500, 90_000, 900_000, 7_200_000, 129_600_000, 5_400_000].map(Some));
        for text in
            ["", "2", "h", "-1h", "1.5h", "1w", "2 h", "2hours", "99999999999999999999s", "9999999999999999999d", "1h2"]
        {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        assert_eq!(span("250ms"), Ok(Duration::from_millis(250)));
        assert!(span("0s").is_err() && span("20").is_err());
        assert_eq!(minutes("366d"), Ok(YEAR));
        assert!(["59s", "0m", "367d"].iter().all(|text| minutes(text).is_err()));
    }
}
