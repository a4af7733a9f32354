//! The same results as those of a second implementation, jiff, which has its own copy of the world's time zones.

use std::env;
use std::process::Command;

use jiff::civil::{self, DateTime as CivilDateTime};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Zones in which days are skipped or begin late, offsets are not whole hours, or summer time ends at midnight.
const ZONES: &str = "
    UTC Africa/Casablanca Africa/Johannesburg America/Caracas America/Havana America/Los_Angeles
    America/New_York America/Nuuk America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Amman
    Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Tehran Australia/Eucla Australia/Lord_Howe Europe/Berlin
    Europe/Dublin Pacific/Apia Pacific/Chatham Pacific/Kiritimati Pacific/Kwajalein";

/// The first and the last microsecond of the years 1 to 9999, since 1970 in UTC.
const FIRST: i128 = -62_135_596_800_000_000;
const LAST: i128 = 253_402_300_799_999_999;

const DAY: i128 = 86_400_000_000;

/// A moment as jiff reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Date(civil::Date),
    /// In microseconds since 1970 in UTC, and the offset in seconds.
    Instant(i128, i32),
}

impl Read {
    /// `None` if jiff does not accept the text, or writes the same moment in another form than this.
    fn parse(text: &str) -> Option<Self> {
        let pieces = Pieces::parse(text).ok()?;
        let (date, Some(time)) = (pieces.date(), pieces.time()) else {
            let date = pieces.date();
            return (date.to_string() == text && date.year() > 0).then_some(Self::Date(date));
        };
        let (offset, zone) = match pieces.offset()? {
            PiecesOffset::Zulu => (Offset::UTC, "Z".to_owned()),
            PiecesOffset::Numeric(numeric) => {
                let seconds = numeric.offset().seconds();
                let minutes = seconds.unsigned_abs() / 60;
                let sign = if numeric.is_negative() { '-' } else { '+' };
                let zone = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
                (numeric.offset(), zone)
            }
            _ => return None,
        };
        let fraction = text.get(20..)?.bytes().take_while(u8::is_ascii_digit).count();
        let digits = format!(".{:09}", time.subsec_nanosecond());
        let digits = if text.contains('.') { digits.get(..=fraction)? } else { "" };
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let written = format!("{date}T{hour:02}:{minute:02}:{second:02}{digits}{zone}");
        let micros = micros_of(date.to_datetime(time)) - i128::from(offset.seconds()) * 1_000_000;
        let is_accepted = written.eq_ignore_ascii_case(text)
            && offset.seconds().abs() < 86_400
            && time.subsec_nanosecond() % 1_000 == 0
            && (FIRST..=LAST).contains(&micros);
        is_accepted.then_some(Self::Instant(micros, offset.seconds()))
    }

    fn of(moment: Moment) -> Self {
        match moment.0 {
            Kind::Date(date) => Self::Date(date.to_string().parse().unwrap()),
            Kind::Instant(at) => {
                Self::Instant(at.timestamp_micros().into(), at.offset().local_minus_utc())
            }
        }
    }

    /// The first microsecond at which it is overdue in UTC.
    fn overdue_from(self) -> i128 {
        match self {
            Self::Date(date) => micros_of(date.into()) + DAY,
            Self::Instant(micros, _) => micros + 1,
        }
    }

    /// The day in UTC.
    fn day(self) -> i128 {
        match self {
            Self::Date(date) => micros_of(date.into()) / DAY,
            Self::Instant(micros, _) => micros.div_euclid(DAY),
        }
    }
}

fn micros_of(civil: CivilDateTime) -> i128 {
    civil.duration_since(CivilDateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_micros()
}

prop_compose! {
    /// Mostly dates that exist, often at the ends of months, leap years and the calendar.
    fn date_text()(
        year in prop_oneof![0..10_000, select(vec![0, 1, 4, 1900, 1970, 2000, 2024, 2026, 2100, 9999])],
        month in prop_oneof![9 => 1..=12, 1 => 0..=13],
        day in prop_oneof![4 => 1..=28, 4 => 28..=31, 1 => 0..=32],
    ) -> String {
        format!("{year:04}-{month:02}-{day:02}")
    }
}

prop_compose! {
    fn instant_text()(
        date in date_text(),
        time in prop_oneof![
            4 => "[01][0-9]:[0-5][0-9]:[0-5][0-9]",
            4 => select(vec!["00:00:00", "23:59:59", "12:00:00"]).prop_map(str::to_owned),
            1 => "2[0-5]:[0-6][0-9]:(59|60|61)",
        ],
        fraction in "|\\.[0-9]{1,6}|\\.[09]{6}|\\.[0-9]{5,6}0{1,3}|\\.[0-9]{7,9}",
        offset in "[Zz]|[+-](0[0-9]|1[0-4]):(00|30|45)|[+-]([01][0-9]|2[0-5]):[0-6][0-9]|[+-]00:00",
        separator in "[Tt]",
    ) -> String {
        format!("{date}{separator}{time}{fraction}{offset}")
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![date_text(), instant_text()]
}

/// A date or an instant that is accepted, with its text.
fn valid() -> impl Strategy<Value = (String, Read)> {
    text().prop_filter_map("not accepted", |text| Read::parse(&text).map(|read| (text, read)))
}

/// A character of a text is replaced, removed or added, at most twice.
fn mutated() -> impl Strategy<Value = String> {
    let mutation = (any::<Index>(), 0..3, "[-+:.,TtZz 0-9W\u{2212}\u{661}]");
    (text(), proptest::collection::vec(mutation, 1..3)).prop_map(|(text, mutations)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, kind, new) in mutations {
            let at = at.index(text.len());
            text.splice(at..at + usize::from(kind != 0), new.chars().filter(|_| kind != 1));
        }
        text.into_iter().collect()
    })
}

fn assert_same(text: &str) -> Result<(), TestCaseError> {
    // jiff reads no more digits of a fraction.
    let fraction = text.split(['.', ',']).nth(1).unwrap_or_default();
    prop_assume!(fraction.bytes().take_while(u8::is_ascii_digit).count() <= 9);
    prop_assert_eq!(Moment::parse(text).ok().map(Read::of), Read::parse(text), "{}", text);
    Ok(())
}

/// An instant in one of the zones, often near a change of its offset or a year's end.
fn zoned() -> impl Strategy<Value = jiff::Zoned> {
    let micros = 100_000_000_000_000_i64..7_000_000_000_000_000;
    let near = select(vec![-DAY, -1, 0, 1, DAY]).prop_flat_map(|far| {
        let far = i64::try_from(far).unwrap();
        (-7_200_000_001..7_200_000_001_i64).prop_map(move |by| by + far)
    });
    (select(ZONES.split_whitespace().collect::<Vec<_>>()), micros, near, 0..4).prop_map(
        |(zone, micros, near, kind)| {
            let zone = TimeZone::get(zone).unwrap();
            let at = Timestamp::from_microsecond(micros).unwrap();
            let year = at.to_zoned(zone.clone()).date().first_of_year();
            let focus = match kind {
                0 => zone.preceding(at).next().map(|change| change.timestamp()),
                1 => zone.following(at).next().map(|change| change.timestamp()),
                2 => Some(year.to_zoned(zone.clone()).unwrap().timestamp()),
                _ => None,
            };
            let shifted = focus.map(|focus| focus + SignedDuration::from_micros(near));
            shifted.unwrap_or(at).to_zoned(zone)
        },
    )
}

proptest! {
    #[test]
    fn the_texts_that_jiff_accepts_are_accepted_with_the_same_value(text in text()) {
        assert_same(&text)?;
    }

    #[test]
    fn mutated_texts_are_accepted_only_if_jiff_accepts_them(text in mutated()) {
        assert_same(&text)?;
    }

    #[test]
    fn what_is_written_is_read_as_the_same((text, read) in valid()) {
        let due = Due::from(Moment::parse(&text).unwrap());
        let written = due.to_string();
        prop_assert_eq!(Due::from(Moment::parse(&written).unwrap()), due);
        prop_assert_eq!(Due::from_parts(due.order(), due.is_date()), due);
        match read {
            Read::Date(_) => prop_assert_eq!(written, text),
            Read::Instant(micros, _) => {
                prop_assert_eq!(Read::parse(&written), Some(Read::Instant(micros, 0)));
            }
        }
    }

    #[test]
    fn the_order_is_that_of_becoming_overdue(all in proptest::collection::vec(valid(), 2..6)) {
        for ((left, left_read), (right, right_read)) in all.iter().zip(&all[1..]) {
            let order = |text: &str| Due::from(Moment::parse(text).unwrap()).order();
            let expected = left_read.overdue_from().cmp(&right_read.overdue_from());
            prop_assert_eq!(order(left).cmp(&order(right)), expected, "{} {}", left, right);
        }
    }

    #[test]
    fn a_date_is_before_or_after_an_instant_by_the_calendar_of_its_zone(now in zoned(), days in -3_i64..=3) {
        let date = now.date() + days.days();
        let due = Due::from(Moment::parse(&date.to_string()).unwrap());
        let text = now.timestamp().display_with_offset(now.offset()).to_string();
        let moment = Moment::parse(&text).unwrap();
        prop_assert_eq!(due.is_before(DueBound::before(moment)), date < now.date(), "{} {}", date, now);
        prop_assert_eq!(due.is_after(DueBound::after(moment)), date > now.date(), "{} {}", date, now);
        // The same by the times at which the day begins and ends.
        let begins = now.offset().to_timestamp(date.into()).unwrap();
        let ends = now.offset().to_timestamp((date + 1.day()).into()).unwrap();
        prop_assert_eq!(due.is_before(DueBound::before(moment)), ends <= now.timestamp());
        prop_assert_eq!(due.is_after(DueBound::after(moment)), begins > now.timestamp());
    }

    #[test]
    fn what_is_not_a_date_beside_an_instant_is_compared_in_utc(
        (due, due_read) in valid(), other in valid(), kind in 0..3, shift in -1..=1_i128,
    ) {
        let epoch = CivilDateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let shifted = |by: i128| {
            let micros = (due_read.overdue_from() - 1 + shift * by).clamp(FIRST, LAST);
            (micros, epoch + SignedDuration::from_micros(micros.try_into().unwrap()))
        };
        // Another moment, or one that is the same, or a microsecond or a day apart.
        let (bound, bound_read) = match kind {
            0 => other,
            1 => {
                let (micros, at) = shifted(1);
                (format!("{at}Z"), Read::Instant(micros, 0))
            }
            _ => {
                let date = shifted(DAY).1.date();
                (date.to_string(), Read::Date(date))
            }
        };
        prop_assert_eq!(Read::parse(&bound), Some(bound_read));
        let (before, after) = match (due_read, bound_read) {
            // See the test above.
            (Read::Date(_), Read::Instant(_, offset)) if offset != 0 => return Ok(()),
            (Read::Instant(due, _), Read::Instant(bound, _)) => (due < bound, due > bound),
            _ => (due_read.day() < bound_read.day(), due_read.day() > bound_read.day()),
        };
        let (due, moment) = (Moment::parse(&due).unwrap().into(), Moment::parse(&bound).unwrap());
        let is_before = Due::is_before(due, DueBound::before(moment));
        let is_after = Due::is_after(due, DueBound::after(moment));
        prop_assert_eq!((is_before, is_after), (before, after), "{} {}", due, bound);
    }
}

#[test]
fn a_day_that_a_zone_skipped_is_over_when_the_next_begins() {
    let skipped = Due::from(Moment::parse("2011-12-30").unwrap());
    let zone = TimeZone::get("Pacific/Apia").unwrap();
    let next = civil::date(2011, 12, 31).to_zoned(zone).unwrap();
    for (at, before, after) in [
        (next.timestamp() - SignedDuration::from_micros(1), false, true),
        (next.timestamp(), true, false),
    ] {
        let at = at.to_zoned(next.time_zone().clone());
        let text = at.timestamp().display_with_offset(at.offset()).to_string();
        let moment = Moment::parse(&text).unwrap();
        let is_before = skipped.is_before(DueBound::before(moment));
        assert_eq!((is_before, skipped.is_after(DueBound::after(moment))), (before, after), "{at}");
    }
}

/// Runs the tests of due times again, in processes with other time zones.
#[test]
fn nothing_depends_on_the_time_zone_of_the_process() {
    for zone in ["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"] {
        let mut tests = Command::new(env::current_exe().unwrap());
        tests.args(["due::", "--skip", "time_zone_of_the_process"]);
        let output = tests.env("TZ", zone).env("PROPTEST_CASES", "20").output().unwrap();
        assert!(output.status.success(), "{zone}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
