//! Generates priorities, due times and tags, so few that they often meet.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use todo_domain::{Due, DueBound, Moment, Priority, Tag, Tags, TagsPatch};

/// Dates and instants: in several zones, at the ends of days and of the calendar, and some that are equal.
const MOMENTS: [&str; 24] = [
    "2026-01-21",
    "2026-01-22",
    "2026-01-23",
    "2024-02-29",
    "0001-01-01",
    "9999-12-31",
    "2026-01-21T23:59:59.999999Z",
    "2026-01-22T00:00:00Z",
    "2026-01-22T00:00:00+14:00",
    "2026-01-22T00:00:00-12:00",
    "2026-01-22T10:30:00.999990Z",
    "2026-01-22T11:30:00.99999+01:00",
    "2026-01-22T10:30:00.999991Z",
    "2026-01-22T23:59:59.999999Z",
    "2026-01-22T23:59:59.999998Z",
    "2026-01-23T00:00:00Z",
    "2026-01-23T05:45:00+05:45",
    "2026-01-22T19:00:00-05:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T05:00:00+05:00",
    "0001-01-01T00:00:00-10:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.999998Z",
    "9999-12-31T12:00:00-10:00",
];

pub(crate) fn moment() -> impl Strategy<Value = Moment> {
    select(&MOMENTS[..]).prop_map(|text| Moment::parse(text).unwrap())
}

/// `None` clears it.
pub(crate) fn due() -> impl Strategy<Value = Option<Due>> {
    proptest::option::weighted(0.8, moment().prop_map(Due::from))
}

pub(crate) fn priority() -> impl Strategy<Value = Priority> {
    select(&Priority::ALL[..])
}

/// Some differ only in case or normalization, some are parts of others.
pub(crate) fn tag() -> impl Strategy<Value = Tag> {
    let special = [
        "home",
        "Home",
        "HOME",
        "at home",
        "om",
        "ß",
        "SS",
        "ss",
        "caf\u{e9}",
        "CAFE\u{301}",
        "\u{1d160}",
        "%",
        "_",
        "\\",
        "'",
        "\"",
        "{",
        "}",
        "NULL",
        "\u{345}",
        "\u{10ffff}",
    ];
    let special = select(special.to_vec()).prop_map(str::to_owned);
    let plain = (0..24_u8).prop_map(|number| format!("T{number}"));
    prop_oneof![special, plain].prop_map(|name| Tag::new(&name).unwrap())
}

/// Few, or nearly as many as a todo may have.
pub(crate) fn tags() -> impl Strategy<Value = Tags> {
    let few = proptest::collection::vec(tag(), 0..=3);
    let plain: Vec<_> = (0..24).map(|number| Tag::new(&format!("T{number}")).unwrap()).collect();
    let many = subsequence(plain, 17..=Tags::MAX);
    prop_oneof![3 => few, 2 => many].prop_map(|tags| Tags::new(tags).unwrap())
}

pub(crate) fn tags_patch() -> impl Strategy<Value = TagsPatch> {
    let edit = (tags(), tags()).prop_map(|(add, remove)| {
        // No tag is both removed and added.
        let add = add.iter().map(|name| Tag::new(name).unwrap());
        let add = add.filter(|tag| !remove.contains(tag)).collect();
        TagsPatch::Edit { add: Tags::new(add).unwrap(), remove }
    });
    let rename = (tag(), tag()).prop_map(|(from, to)| TagsPatch::Rename { from, to });
    prop_oneof![2 => tags().prop_map(TagsPatch::Set), 2 => edit, 1 => rename]
}

pub(crate) fn bound(of: fn(Moment) -> DueBound) -> impl Strategy<Value = Option<DueBound>> {
    proptest::option::weighted(0.15, moment().prop_map(of))
}
