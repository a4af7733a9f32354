//! When a todo is due: on a date, or at an instant.
//!
//! A date belongs to no time zone: no conversion ever shifts it. An instant is the same everywhere; the offset that it
//! was given in is not kept. A date is compared with an instant as its whole day, in the zone of the instant: it is before
//! the instant if its day has ended by then, and after it if its day begins later.

use std::fmt;

use chrono::{
    DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc,
};
use thiserror::Error;

/// When a todo is due: a date, or an instant to the microsecond, both in the years 1 to 9999 (of an instant, in UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    at: DateTime<Utc>,
    is_date: bool,
}

/// A date, or an instant with the offset that it was given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date(NaiveDate),
    Instant(DateTime<FixedOffset>),
}

/// Separates the due times before some moment from the others, or those after it.
///
/// As a moment has a zone, and a date has none, dates are compared with another time than instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueBound {
    dates: DateTime<Utc>,
    instants: DateTime<Utc>,
}

/// What is wrong with a text that should be a [`Moment`]. The message says how to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidMoment {
    /// It has another format.
    #[error(
        "must be a date, as 2026-03-01, or an instant with its offset, as 2026-03-01T09:00:00+01:00"
    )]
    Format,
    /// There is no such date, time or offset.
    #[error("must be a date, time and offset that exist, without leap seconds")]
    Nonexistent,
    /// The databases store microseconds.
    #[error("must not have fractions of a microsecond")]
    TooPrecise,
    /// It is in another year.
    #[error("must be in the years 0001 to 9999, in UTC")]
    Year,
}

impl Moment {
    /// Reads a date, as `2026-03-01`, or an instant in the format of RFC 3339, as `2026-03-01T09:00:00+01:00`.
    ///
    /// # Errors
    /// [`InvalidMoment`] if it has another format, does not exist, or is outside of the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Self, InvalidMoment> {
        let date = text.get(..10).filter(|date| has_shape(date, "0000-00-00"));
        let date = date.ok_or(InvalidMoment::Format)?;
        if date == text {
            let date: NaiveDate = date.parse().map_err(|_| {
                if date.starts_with("0000") {
                    InvalidMoment::Year
                } else {
                    InvalidMoment::Nonexistent
                }
            })?;
            return is_in_years(date).then_some(Self(Kind::Date(date))).ok_or(InvalidMoment::Year);
        }
        let fraction = check_time(&text[10..])?;
        // The parser accepts a leap second as the end of the second before.
        if &text[17..19] == "60" {
            return Err(InvalidMoment::Nonexistent);
        }
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidMoment::Nonexistent)?;
        if fraction.bytes().skip(6).any(|digit| digit != b'0') {
            return Err(InvalidMoment::TooPrecise);
        }
        let is_in_years = is_in_years(instant.naive_utc().date());
        is_in_years.then_some(Self(Kind::Instant(instant))).ok_or(InvalidMoment::Year)
    }

    /// Whether it is an instant.
    #[must_use]
    pub fn is_instant(self) -> bool {
        matches!(self.0, Kind::Instant(_))
    }
}

/// An instant in UTC, without fractions of a microsecond.
impl From<DateTime<Utc>> for Moment {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(Kind::Instant(instant.trunc_subsecs(6).fixed_offset()))
    }
}

/// Checks the format of what follows the date; returns the digits of the fraction of the second.
fn check_time(text: &str) -> Result<&str, InvalidMoment> {
    let (time, rest) = text.split_at_checked(9).ok_or(InvalidMoment::Format)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(InvalidMoment::Format);
            }
            rest.split_at(digits)
        }
    };
    let is_time = has_shape(time, "T00:00:00") || has_shape(time, "t00:00:00");
    let is_offset = ["Z", "z", "+00:00", "-00:00"].iter().any(|shape| has_shape(offset, shape));
    (is_time && is_offset).then_some(fraction).ok_or(InvalidMoment::Format)
}

/// Whether a text has a digit for each 0 of the shape, and else the same characters.
fn has_shape(text: &str, shape: &str) -> bool {
    let is_as = |(byte, wanted): (u8, u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        wanted => byte == wanted,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(is_as)
}

fn is_in_years(date: NaiveDate) -> bool {
    (1..=9999).contains(&date.year())
}

fn start_of(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The start of the next day. After the year 9999 there is one, too.
fn end_of(date: NaiveDate) -> DateTime<Utc> {
    start_of(date) + Days::new(1)
}

impl Due {
    /// The due time that [`Due::order`] and [`Due::is_date`] describe; what the databases store.
    #[must_use]
    pub fn from_parts(order: DateTime<Utc>, is_date: bool) -> Self {
        if is_date { Self::from_date(order.date_naive()) } else { Self { at: order, is_date } }
    }

    fn from_date(date: NaiveDate) -> Self {
        Self { at: end_of(date) - TimeDelta::microseconds(1), is_date: true }
    }

    /// Its place among others, in the order in which they become overdue in UTC: the instant, or the last microsecond
    /// of the date.
    #[must_use]
    pub fn order(self) -> DateTime<Utc> {
        self.at
    }

    /// Whether it is a date.
    #[must_use]
    pub fn is_date(self) -> bool {
        self.is_date
    }

    /// Whether it is before the moment of [`DueBound::before`].
    #[must_use]
    pub fn is_before(self, bound: DueBound) -> bool {
        self.at < bound.of(self.is_date)
    }

    /// Whether it is after the moment of [`DueBound::after`].
    #[must_use]
    pub fn is_after(self, bound: DueBound) -> bool {
        self.at >= bound.of(self.is_date)
    }
}

impl From<Moment> for Due {
    fn from(moment: Moment) -> Self {
        match moment.0 {
            Kind::Date(date) => Self::from_date(date),
            Kind::Instant(instant) => Self { at: instant.to_utc(), is_date: false },
        }
    }
}

/// A date as `2026-03-01`, and an instant in UTC as `2026-03-01T08:00:00.000000Z`.
impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.is_date { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
        self.at.format(format).fmt(f)
    }
}

impl DueBound {
    /// What is before the moment has a smaller [`Due::order`]. A date as the moment is its whole day in UTC.
    #[must_use]
    pub fn before(moment: Moment) -> Self {
        match moment.0 {
            Kind::Date(date) => Self { dates: start_of(date), instants: start_of(date) },
            Kind::Instant(instant) => {
                Self { dates: start_of(instant.date_naive()), instants: instant.to_utc() }
            }
        }
    }

    /// What is after the moment has at least this [`Due::order`]. A date as the moment is its whole day in UTC.
    #[must_use]
    pub fn after(moment: Moment) -> Self {
        match moment.0 {
            Kind::Date(date) => Self { dates: end_of(date), instants: end_of(date) },
            Kind::Instant(instant) => Self {
                dates: end_of(instant.date_naive()),
                instants: instant.to_utc() + TimeDelta::microseconds(1),
            },
        }
    }

    /// The bound for dates, or that for instants.
    #[must_use]
    pub fn of(self, is_date: bool) -> DateTime<Utc> {
        if is_date { self.dates } else { self.instants }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
