//! Spans of time on the command line: `90s`, `15m`, `2h`, `1d`.

use std::time::Duration;

/// Reads a span: a whole number and its unit.
///
/// # Errors
/// In words, when it is something else.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: Option<u64> = number.parse().ok();
    let span = match unit {
        "ms" => number.map(Duration::from_millis),
        "s" => number.map(Duration::from_secs),
        "m" => number.and_then(|number| number.checked_mul(60)).map(Duration::from_secs),
        "h" => number.and_then(|number| number.checked_mul(3_600)).map(Duration::from_secs),
        "d" => number.and_then(|number| number.checked_mul(86_400)).map(Duration::from_secs),
        _ => None,
    };
    span.ok_or_else(|| "write it as a whole number and its unit: 90s, 15m, 2h, 1d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_and_nothing_else() {
        let seconds = |text: &str| duration(text).ok().map(|span| span.as_secs_f64());
        assert_eq!(seconds("500ms"), Some(0.5));
        assert_eq!(
            [seconds("90s"), seconds("15m"), seconds("2h"), seconds("1d")].map(Option::unwrap_or_default),
            [90.0, 900.0, 7_200.0, 86_400.0]
        );
        for text in ["", "2", "h", "-1h", "1.5h", "1w", "2 h", "99999999999999999999s", "9999999999999999999d"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
