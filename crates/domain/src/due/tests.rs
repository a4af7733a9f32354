use super::*;

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn due(text: &str) -> Due {
    moment(text).into()
}

#[test]
fn a_date_comes_back_as_it_is_and_an_instant_in_utc() {
    for (text, shown) in [
        ("2026-03-01", "2026-03-01"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("2024-02-29", "2024-02-29"),
        ("2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00.000000Z"),
        ("2026-03-01t09:00:00.5z", "2026-03-01T09:00:00.500000Z"),
        ("2026-03-01T00:00:00.123456-23:59", "2026-03-01T23:59:00.123456Z"),
        ("2026-03-01T09:00:00.123456000Z", "2026-03-01T09:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2026-03-01T09:00:00-00:00", "2026-03-01T09:00:00.000000Z"),
    ] {
        let due = due(text);
        assert_eq!(due.to_string(), shown);
        assert_eq!(Due::from_parts(due.order(), due.is_date()), due);
    }
}

#[test]
fn what_is_neither_a_date_nor_an_instant_is_rejected() {
    use InvalidMoment::{Format, Nonexistent, TooPrecise, Year};
    for (text, error) in [
        ("", Format),
        ("tomorrow", Format),
        ("2026-3-1", Format),
        ("2026-03-01 ", Format),
        ("+2026-03-01", Format),
        ("12026-03-01", Format),
        ("2026-03-01T09:00:00", Format),
        ("2026-03-01 09:00:00Z", Format),
        ("2026-03-01T09:00Z", Format),
        ("2026-03-01T09:00:00.Z", Format),
        ("2026-03-01T09:00:00,5Z", Format),
        ("2026-03-01T09:00:00+0100", Format),
        ("2026-03-01T09:00:00+01", Format),
        ("2026-03-01T09:00:00\u{2212}01:00", Format),
        ("2026-03-01T09:00:00.5Zé", Format),
        ("２026-03-01", Format),
        ("2026-02-29", Nonexistent),
        ("2026-13-01", Nonexistent),
        ("2026-03-01T24:00:00Z", Nonexistent),
        ("2026-03-01T09:60:00Z", Nonexistent),
        ("2016-12-31T23:59:60Z", Nonexistent),
        ("2026-03-01T09:00:00+24:00", Nonexistent),
        ("2026-03-01T09:00:00.1234567Z", TooPrecise),
        ("0000-01-01", Year),
        ("0001-01-01T00:00:00+00:01", Year),
        ("9999-12-31T23:59:59-00:01", Year),
    ] {
        assert_eq!(Moment::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_date_is_compared_with_an_instant_as_a_day_in_its_zone() {
    let day = due("2026-03-01");
    let is_before = |moment: &str| day.is_before(DueBound::before(self::moment(moment)));
    let is_after = |moment: &str| day.is_after(DueBound::after(self::moment(moment)));
    for (moment, before, after) in [
        // The day in the zone of the moment: has it ended, is it yet to come?
        ("2026-03-01T23:59:59.999999+01:00", false, false),
        ("2026-03-02T00:00:00+01:00", true, false),
        ("2026-03-01T00:00:00+01:00", false, false),
        ("2026-02-28T23:59:59.999999+01:00", false, true),
        // The same instants in other zones.
        ("2026-03-01T23:00:00Z", false, false),
        ("2026-03-02T09:59:59-14:00", true, false),
        ("2026-02-28T09:59:59-14:00", false, true),
        // A date is its whole day.
        ("2026-02-28", false, true),
        ("2026-03-01", false, false),
        ("2026-03-02", true, false),
    ] {
        assert_eq!((is_before(moment), is_after(moment)), (before, after), "{moment}");
    }
}

#[test]
fn an_instant_is_compared_with_an_instant_by_time_and_with_a_date_as_a_day_in_utc() {
    let due = due("2026-03-01T09:00:00Z");
    let is_before = |moment: &str| due.is_before(DueBound::before(self::moment(moment)));
    let is_after = |moment: &str| due.is_after(DueBound::after(self::moment(moment)));
    for (moment, before, after) in [
        ("2026-03-01T08:59:59.999999Z", false, true),
        ("2026-03-01T10:00:00+01:00", false, false),
        ("2026-03-01T09:00:00.000001Z", true, false),
        ("2026-02-28", false, true),
        ("2026-03-01", false, false),
        ("2026-03-02", true, false),
    ] {
        assert_eq!((is_before(moment), is_after(moment)), (before, after), "{moment}");
    }
}

#[test]
fn a_date_comes_after_the_instants_of_its_day() {
    let order = ["2026-02-28", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", "2026-03-01"];
    assert!(order.is_sorted_by_key(|text| due(text).order()));
}

#[test]
fn the_ends_of_the_calendar_can_be_compared() {
    let (first, last) = (moment("0001-01-01"), moment("9999-12-31T23:59:59.999999Z"));
    assert!(!due("0001-01-01").is_before(DueBound::before(first)));
    assert!(!due("9999-12-31").is_after(DueBound::after(last)));
    assert!(due("9999-12-31").is_after(DueBound::after(first)));
    assert!(due("0001-01-01T00:00:00Z").is_before(DueBound::before(last)));
}

#[test]
fn a_time_of_the_clock_is_a_moment_in_microseconds() {
    let moment = Moment::from(DateTime::from_timestamp_nanos(1_772_355_600_123_456_789));
    assert!(moment.is_instant());
    assert_eq!(Due::from(moment).to_string(), "2026-03-01T09:00:00.123456Z");
}
