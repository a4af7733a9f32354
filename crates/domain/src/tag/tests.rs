use super::*;

fn tag(name: &str) -> Tag {
    Tag::new(name).unwrap()
}

fn tags(names: &[&str]) -> Tags {
    Tags::new(names.iter().map(|name| tag(name)).collect()).unwrap()
}

#[test]
fn a_tag_has_1_to_50_characters_without_the_white_space_around_it() {
    assert_eq!(tag(" home\u{3000}").as_str(), "home");
    assert_eq!(tag("at home").as_str(), "at home");
    assert_eq!(tag(&"𝄞".repeat(50)).as_str(), "𝄞".repeat(50));
    assert_eq!(Tag::new(&"é".repeat(51)), Err(InvalidTag::TooLong { actual: 51 }));
    for blank in ["", " ", "\t\u{a0}"] {
        assert_eq!(Tag::new(blank), Err(InvalidTag::Blank), "{blank:?}");
    }
    assert_eq!(Tag::new("a,b"), Err(InvalidTag::Comma));
    assert_eq!(Tag::new("a\0b"), Err(InvalidTag::Nul));
}

#[test]
fn of_tags_that_differ_only_in_case_the_first_is_kept() {
    assert_eq!(tags(&["Home", "café", "HOME", "CAFE\u{301}"]), tags(&["Home", "café"]));
}

#[test]
fn more_than_20_are_rejected_also_if_some_are_repeated() {
    let names: Vec<_> = (0..20).map(|number| tag(&number.to_string())).collect();
    assert_eq!(Tags::new(names.clone()).unwrap().iter().count(), 20);
    let repeated = [names, vec![tag("0")]].concat();
    assert_eq!(Tags::new(repeated), Err(TooManyTags { actual: 21 }));
}

#[test]
fn edited_tags_keep_their_places_and_new_ones_come_last() {
    let edit = TagsPatch::Edit { add: tags(&["d", "B"]), remove: tags(&["A", "x"]) };
    let edited = tags(&["a", "b", "c"]).patched(&edit).unwrap();
    assert_eq!(edited, tags(&["b", "c", "d"]));
}

#[test]
fn more_than_20_cannot_be_reached_by_adding() {
    let full: Vec<_> = (0..20).map(|number| tag(&number.to_string())).collect();
    let full = Tags::new(full).unwrap();
    let add = |names: &[&str], remove: &[&str]| TagsPatch::Edit {
        add: tags(names),
        remove: tags(remove),
    };
    assert_eq!(full.patched(&add(&["x"], &[])), Err(TooManyTags { actual: 21 }));
    assert_eq!(full.patched(&add(&["0"], &[])), Ok(full.clone()));
    assert_eq!(full.patched(&add(&["x"], &["0"])).unwrap().iter().count(), 20);
}

#[test]
fn a_renamed_tag_keeps_its_place_and_takes_that_of_the_other() {
    let renamed = |names: &[&str], from, to| {
        let rename = TagsPatch::Rename { from: tag(from), to: tag(to) };
        tags(names).patched(&rename).unwrap().as_joined_str().to_owned()
    };
    assert_eq!(renamed(&["a", "b", "c"], "B", "x"), "a,x,c");
    assert_eq!(renamed(&["a", "b", "c"], "b", "B"), "a,B,c");
    assert_eq!(renamed(&["a", "b", "c"], "c", "A"), "b,A");
    assert_eq!(renamed(&["a", "b", "c"], "a", "C"), "C,b");
    assert_eq!(renamed(&["A"], "b", "a"), "A", "a todo without the tag does not change");
}

#[test]
fn tags_are_read_back_from_their_joined_names() {
    for names in [&[][..], &["Home"], &["Home", "at work", "ß"]] {
        assert_eq!(Tags::from_joined(tags(names).as_joined_str()), Ok(tags(names)));
    }
}

#[test]
fn a_folded_tag_is_found_between_commas() {
    let folded = tags(&["Home", "Straße"]).folded();
    assert_eq!(folded, ",home,strasse,");
    assert!(folded.contains(&tag("STRASSE").in_commas()));
    assert!(!folded.contains(&tag("ome").in_commas()));
    assert_eq!(Tags::default().folded(), "");
}
