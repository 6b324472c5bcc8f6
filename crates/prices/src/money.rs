//! Money without surprises of floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

/// How many places behind the point are kept: twelve, so that a price of eight places for a quarter of a vCPU is still exact.
const PLACES: u32 = 12;
const ONE: i128 = 10_i128.pow(PLACES);

/// An amount of US dollars, in units of 10⁻¹² of one. It is only rounded to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount written as a decimal number, such as `0.04048`; nothing for any other text, or for more than twelve places.
    pub const fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut units: i128 = 0;
        let mut places: Option<u32> = None;
        let mut at = 0;
        while at < bytes.len() {
            match (bytes[at], places) {
                (b'.', None) if at > 0 && at + 1 < bytes.len() => places = Some(0),
                (b'0'..=b'9', Some(PLACES..)) => return None,
                (digit @ b'0'..=b'9', known) if units < ONE * 1_000_000_000 => {
                    units = units * 10 + (digit - b'0') as i128;
                    if let Some(known) = known {
                        places = Some(known + 1);
                    }
                }
                _ => return None,
            }
            at += 1;
        }
        let places = match places {
            Some(places) => places,
            None if bytes.is_empty() => return None,
            None => 0,
        };
        Some(Self(units * 10_i128.pow(PLACES - places)))
    }

    /// An amount of cents.
    pub const fn cents(cents: u64) -> Self {
        Self(cents as i128 * (ONE / 100))
    }

    /// So many times the amount.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0 * count as i128)
    }

    /// A fraction of the amount, rounded half away from zero at the twelfth place. A denominator of zero counts as one.
    #[must_use]
    pub fn fraction(self, numerator: u64, denominator: u64) -> Self {
        Self(divided(self.0 * i128::from(numerator), i128::from(denominator.max(1))))
    }

    /// The product with another number, rounded half away from zero at the twelfth place.
    #[must_use]
    pub fn multiplied(self, by: Self) -> Self {
        Self(divided(self.0 * by.0, ONE))
    }

    /// The amount as people see it: rounded to the cent, half away from zero.
    #[must_use]
    pub fn to_cents(self) -> Self {
        Self(divided(self.0, ONE / 100) * (ONE / 100))
    }

    /// With so many places behind the point (at most twelve), rounded half away from zero.
    pub fn rounded(self, places: u32) -> String {
        let places = places.min(PLACES);
        let units = divided(self.0, 10_i128.pow(PLACES - places));
        let scale = 10_u128.pow(places);
        let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
        match places {
            0 => format!("{sign}{units}"),
            _ => format!("{sign}{}.{:0width$}", units / scale, units % scale, width = places as usize),
        }
    }
}

fn divided(units: i128, by: i128) -> i128 {
    let half = by / 2;
    if units < 0 { -((-units + half) / by) } else { (units + half) / by }
}

/// The exact amount, with at least two places: `0.0123425`, `20.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.rounded(PLACES);
        let kept = all.trim_end_matches('0').len().max(all.len() - PLACES as usize + 2);
        f.pad(&all[..kept])
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn money(text: &str) -> Money {
        Money::read(text).unwrap()
    }

    #[test]
    fn decimal_numbers_are_read_exactly() {
        for text in ["0.04048", "0.004445", "20.00", "0.000000000001", "1234567.89"] {
            assert_eq!(money(text).to_string(), text);
        }
        assert_eq!(money("20").to_string(), "20.00");
        for text in ["", ".", ".5", "5.", "-1", "1,5", "1e3", "0.0000000000001", "1.2.3", "99999999999999999999999"] {
            assert_eq!(Money::read(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_rounded_half_away_from_zero_and_only_to_be_shown() {
        assert_eq!(money("12.660025").rounded(2), "12.66");
        assert_eq!([money("0.005").rounded(2), (-money("0.005")).rounded(2)], ["0.01", "-0.01"]);
        assert_eq!([money("12.660025").to_cents(), money("0.005").to_cents()], [money("12.66"), money("0.01")]);
        assert_eq!([money("0.0049").rounded(2), (-money("0.0049")).rounded(2)], ["0.00", "0.00"]);
        assert_eq!([money("2.5").rounded(0), money("0.5").rounded(99)], ["3", "0.500000000000"]);
    }

    #[test]
    fn arithmetic_keeps_every_place() {
        assert_eq!(money("0.04048").fraction(256, 1024), money("0.01012"));
        assert_eq!(money("0.0123425").times(730), money("9.010025"));
        assert_eq!(money("1").fraction(1, 3).to_string(), "0.333333333333");
        assert_eq!(money("2").fraction(1, 3).to_string(), "0.666666666667");
        assert_eq!(money("1").fraction(1, 0), money("1"));
        assert_eq!(Money::cents(2050), money("20.50"));
        assert_eq!([money("1"), money("2")].into_iter().sum::<Money>() - money("4"), -money("1"));
    }
}
