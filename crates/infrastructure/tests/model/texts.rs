//! Generates texts that often contain each other, from characters whose folding may differ between implementations.

use proptest::prelude::*;
use proptest::sample::select;
use todo_domain::{Description, SearchTerm, Title};

/// So few that two random texts often have some in common.
const PIECES: [&str; 38] = [
    "a",
    "A",
    "b",
    "B",
    "ss",
    "SS",
    "ß",
    "\u{1e9e}",
    "i",
    "I",
    "\u{130}",
    "\u{131}",
    "σ",
    "ς",
    "Σ",
    "\u{e9}",
    "e\u{301}",
    "e",
    "\u{301}",
    "\u{345}",
    "\u{3b1}",
    "\u{1fb4}",
    "\u{390}",
    "\u{c9}",
    "\u{fb01}",
    "FI",
    "\u{212a}",
    "k",
    "%",
    "_",
    "\\",
    "'",
    "\"",
    " ",
    "𐐀",
    "𐐨",
    "\u{10ffff}",
    "語",
];

fn text(pieces: std::ops::Range<usize>) -> impl Strategy<Value = String> + Clone {
    let any =
        any::<char>().prop_filter("no todo may contain it", |c| *c != '\0').prop_map(String::from);
    let piece = prop_oneof![9 => select(&PIECES[..]).prop_map(str::to_owned), 1 => any];
    proptest::collection::vec(piece, pieces).prop_map(|pieces| pieces.concat())
}

/// A title: often a common one, sometimes one of maximum length.
pub(crate) fn title() -> impl Strategy<Value = Title> + Clone {
    let common = select(&["a", "A", "Ss", "\u{df}", "i", "\u{130}"][..]).prop_map(str::to_owned);
    let long = text(1..4).prop_map(|text| text.chars().cycle().take(Title::MAX_CHARS).collect());
    prop_oneof![20 => common, 20 => text(1..8), 1 => long]
        .prop_filter_map("a title must not be blank", |text: String| Title::new(text).ok())
}

/// None, an empty description, or any; sometimes one of maximum length.
pub(crate) fn description() -> impl Strategy<Value = Option<Description>> + Clone {
    let long =
        text(1..4).prop_map(|text| text.chars().cycle().take(Description::MAX_CHARS).collect());
    let some = prop_oneof![5 => Just(String::new()), 20 => text(0..8), 1 => long]
        .prop_map(|text: String| Some(Description::new(text).unwrap()));
    prop_oneof![2 => Just(None), 1 => some]
}

/// A search term of one or two pieces.
pub(crate) fn term() -> impl Strategy<Value = Option<SearchTerm>> {
    text(1..3).prop_map(|text| SearchTerm::new(&text).unwrap())
}
