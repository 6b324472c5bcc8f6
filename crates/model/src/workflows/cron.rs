//! The times of a schedule as GitHub takes them: the five fields of POSIX cron, in UTC.

/// A field: what it is called, its least and its greatest value, and the names of values from the least on.
struct Field {
    title: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { title: "minute", least: 0, most: 59, names: &[] },
    Field { title: "hour", least: 0, most: 23, names: &[] },
    Field { title: "day of the month", least: 1, most: 31, names: &[] },
    Field { title: "month", least: 1, most: 12, names: MONTHS },
    Field { title: "day of the week", least: 0, most: 6, names: DAYS },
];

/// What is wrong with the text of a schedule, if anything is.
pub(super) fn problem(text: &str) -> Option<String> {
    if text.contains('(') || text.contains("rate") {
        return Some("this is the form of Amazon EventBridge; GitHub takes the five fields of cron".to_owned());
    }
    let parts: Vec<&str> = text.split_whitespace().collect();
    if parts.len() != FIELDS.len() {
        return Some(format!(
            "a schedule has five fields (minute, hour, day, month, day of the week), this one {}",
            parts.len()
        ));
    }
    FIELDS.iter().zip(parts).find_map(|(field, part)| {
        let bad = part.split(',').find(|item| !fits(field, item))?;
        Some(format!("`{bad}` is no {}: {} to {}", field.title, field.least, field.most))
    })
}

/// Whether `*`, `5`, `1-5`, `*/15` or `10-40/5` is possible.
fn fits(field: &Field, item: &str) -> bool {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, step.parse::<u32>().ok()),
        None => (item, Some(1)),
    };
    if !step.is_some_and(|step| (1..=field.most).contains(&step)) {
        return false;
    }
    match range.split_once('-') {
        _ if range == "*" => true,
        Some((first, last)) => value(field, first).zip(value(field, last)).is_some_and(|(first, last)| first <= last),
        None => value(field, range).is_some(),
    }
}

fn value(field: &Field, text: &str) -> Option<u32> {
    let named = field.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(at) => field.least + u32::try_from(at).ok()?,
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
        None => return None,
    };
    (field.least..=field.most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn what_github_takes_is_taken() {
        for text in ["17 6 * * *", "*/15 * * * 1-5", "0 0,12 1-7 JAN-MAR mon", "10-40/5 0 * 12 0"] {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn everything_else_is_named() {
        for (text, part) in [
            ("cron(0 9 ? * MON-FRI *)", "EventBridge"),
            ("rate(1 day)", "EventBridge"),
            ("@daily", "this one 1"),
            ("0 9 * *", "this one 4"),
            ("60 9 * * *", "`60` is no minute: 0 to 59"),
            ("0 24 * * *", "`24` is no hour"),
            ("0 9 0 * *", "`0` is no day of the month"),
            ("0 9 * 13 *", "`13` is no month"),
            ("0 9 * * 7", "`7` is no day of the week"),
            ("0 9 * * FRI-MON", "`FRI-MON`"),
            ("*/0 9 * * *", "`*/0`"),
            ("0 9 ? * *", "`?`"),
        ] {
            let said = problem(text).unwrap_or_default();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
