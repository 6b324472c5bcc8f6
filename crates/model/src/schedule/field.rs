//! One field of a cron expression as AWS writes it.

/// A field: what it is called, its least and greatest value, and the names of values from the least on.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) title: &'static str,
    pub(super) least: u16,
    pub(super) most: u16,
    pub(super) names: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(super) const MINUTE: Field = Field { title: "minute", least: 0, most: 59, names: &[] };
pub(super) const HOUR: Field = Field { title: "hour", least: 0, most: 23, names: &[] };
pub(super) const DAY: Field = Field { title: "day of the month", least: 1, most: 31, names: &[] };
pub(super) const MONTH: Field = Field { title: "month", least: 1, most: 12, names: MONTHS };
/// Sunday is 1. (Crontab counts from 0, and so does GitHub.)
pub(super) const WEEKDAY: Field = Field { title: "day of the week", least: 1, most: 7, names: WEEKDAYS };
pub(super) const YEAR: Field = Field { title: "year", least: 1970, most: 2199, names: &[] };

impl Field {
    /// The values that `*`, `5`, `1-5`, `*/15`, `0/15`, `10-40/5` and lists of them stand for, in order; otherwise the item that is
    /// wrong.
    pub(super) fn values<'t>(&self, text: &'t str) -> Result<Vec<u16>, &'t str> {
        let mut all = Vec::new();
        for item in text.split(',') {
            all.extend(self.item(item).ok_or(item)?);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    fn item(&self, item: &str) -> Option<Vec<u16>> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| (1..=self.most).contains(step))?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None => {
                let first = self.value(range)?;
                // `5/15` goes on from 5 to the end.
                (first, if step.is_some() { self.most } else { first })
            }
        };
        let all: Vec<u16> = if first <= last {
            (first..=last).collect()
        } else if self.names.len() == WEEKDAYS.len() {
            // `FRI-MON` goes round the end of the week.
            (first..=self.most).chain(self.least..=last).collect()
        } else {
            return None;
        };
        Some(all.into_iter().step_by(usize::from(step.unwrap_or(1))).collect())
    }

    /// One value, by number or name.
    pub(super) fn value(&self, text: &str) -> Option<u16> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(at) => self.least + u16::try_from(at).ok()?,
            None => number(text)?,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }

    /// What the values are, for a message.
    pub(super) fn allowed(&self) -> String {
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!("{} to {} or {first} to {last}", self.least, self.most),
            _ => format!("{} to {}", self.least, self.most),
        }
    }
}

/// A number of digits alone; `+5` is none.
pub(super) fn number(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
