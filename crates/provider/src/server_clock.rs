//! How far the clock of this machine is from that of AWS, told from the `Date` of its answers (RFC 9110, section 6.6.1).

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// The clock of AWS as it was seen last.
#[derive(Debug, Default)]
pub(crate) struct ServerClock(Mutex<Option<i64>>);

impl ServerClock {
    /// Notes the `Date` of an answer that has just come.
    pub(crate) fn note(&self, date: Option<&str>) {
        let Some(theirs) = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok()) else { return };
        let Ok(ours) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
        let ours = i64::try_from(ours.as_secs()).unwrap_or(i64::MAX);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(theirs.secs().saturating_sub(ours));
    }

    /// By how many seconds AWS is ahead of us; negative when it is behind. Exact to a second or two.
    pub(crate) fn ahead(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_told_from_the_date() {
        let clock = ServerClock::default();
        assert_eq!(clock.ahead(), None);
        clock.note(Some("no date"));
        clock.note(None);
        assert_eq!(clock.ahead(), None);
        clock.note(Some("Thu, 01 Jan 1970 00:00:10 GMT"));
        assert!(clock.ahead().is_some_and(|ahead| ahead < -1_000_000_000));
    }
}
