//! Tags: how they are compared, counted, edited and renamed.

use todo_domain::BulkOutcome::{Changed, TooManyTags};
use todo_domain::{BulkOutcome, TagCount, Tags, TagsPatch, TodoFilter, TodoPatch, UserId};

use crate::fixtures::{
    Repository, at, by_tags, find, id, insert_with, matching, tag, tagged, tags, update, user,
};

fn patch(patch: TagsPatch) -> TodoPatch {
    TodoPatch { tags: Some(patch), ..TodoPatch::default() }
}

fn edit(add: &[&str], remove: &[&str]) -> TodoPatch {
    patch(TagsPatch::Edit { add: tags(add), remove: tags(remove) })
}

/// Renames a tag as the service does.
async fn rename(
    repository: &Repository,
    user: UserId,
    [from, to]: [&str; 2],
    microseconds: i64,
) -> BulkOutcome {
    let rename = patch(TagsPatch::Rename { from: tag(from), to: tag(to) });
    repository.update_matching(user, by_tags(&[from]), rename, at(microseconds)).await.unwrap()
}

async fn tags_of(repository: &Repository, user: UserId, number: u128) -> String {
    find(repository, user, id(number)).await.unwrap().tags.as_joined_str().to_owned()
}

async fn counts(repository: &Repository, user: UserId) -> Vec<(String, u64)> {
    let tags = repository.tags(user).await.unwrap();
    tags.into_iter().map(|TagCount { name, count }| (name, count)).collect()
}

fn expected(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// `count` tags: T0, T1, …
fn many(count: usize) -> Tags {
    Tags::new((0..count).map(|number| tag(&format!("T{number}"))).collect()).unwrap()
}

/// Todos 1 to 5 with tags, and 6 without.
async fn six(repository: &Repository) -> UserId {
    let user = user();
    let all: [&[&str]; 6] = [
        &["home", "Garden"],
        &["HOME"],
        &["work", "caf\u{e9}", "home"],
        &["CAFE\u{301}", "at home"],
        &["straße", "%", "_", "'", "\\", "a b"],
        &[],
    ];
    for (number, names) in (1..).zip(all) {
        insert_with(repository, user, number, tagged(names)).await;
    }
    user
}

pub(crate) async fn tags_are_stored_exactly_and_in_their_order(repository: Repository) {
    let user = user();
    let longest = ["𝄞".repeat(50), "\u{1d160}".repeat(50)];
    let all: [&[&str]; 6] = [
        &["b", "A", "c"],
        &["\u{e9}", "o\u{308}", "語", "{}", "\"x\"", "NULL", "it's", "\\N"],
        &[&longest[0], &longest[1]],
        &["null"],
        &["{a}"],
        &[],
    ];
    for (number, names) in (1..).zip(all) {
        let inserted = insert_with(&repository, user, number, tagged(names)).await;
        assert_eq!(inserted.tags, tags(names));
        assert_eq!(tags_of(&repository, user, number).await, names.join(","));
    }
    for (version, names) in (2..).zip([&["c", "b"][..], &["b", "c"], &[], &["B"], &["b"]]) {
        let updated = update(&repository, user, id(1), tagged(names), version).await;
        assert_eq!(
            (updated.tags, updated.version),
            (tags(names), version),
            "order and case are kept, so another order or case is a change"
        );
        assert_eq!(tags_of(&repository, user, 1).await, names.join(","));
    }
    insert_with(&repository, user, 9, patch(TagsPatch::Set(many(Tags::MAX)))).await;
    assert_eq!(find(&repository, user, id(9)).await.unwrap().tags, many(Tags::MAX));
}

pub(crate) async fn a_filter_by_tags_matches_those_with_all_of_them_whatever_their_case(
    repository: Repository,
) {
    let (user, other) = (six(&repository).await, six(&repository).await);
    for (names, expected) in [
        (&["Home"][..], &[1, 2, 3][..]),
        (&["home", "WORK"], &[3]),
        (&["home", "home"], &[1, 2, 3]),
        (&["garden", "work"], &[]),
        (&["CAF\u{c9}"], &[3, 4]),
        (&["cafe"], &[]),
        (&["om"], &[]),
        (&["at home"], &[4]),
        (&["at"], &[]),
        (&["STRASSE"], &[5]),
        (&["%"], &[5]),
        (&["_", "'", "\\"], &[5]),
        (&["b"], &[]),
    ] {
        for user in [user, other] {
            assert_eq!(matching(&repository, user, by_tags(names)).await, expected, "{names:?}");
        }
    }
    let deleted = repository.delete_matching(user, by_tags(&["HOME"]), at(50)).await.unwrap();
    assert_eq!(deleted, Changed(3));
    assert_eq!(matching(&repository, user, TodoFilter::default()).await, [4, 5, 6]);
    assert_eq!(matching(&repository, other, TodoFilter::default()).await, [1, 2, 3, 4, 5, 6]);
}

pub(crate) async fn tags_are_counted_by_name_whatever_their_case(repository: Repository) {
    let user = six(&repository).await;
    six(&repository).await;
    let found = counts(&repository, user).await;
    // By folded name. Of several spellings, the first in the order of code points.
    let names = [
        ("%", 1),
        ("'", 1),
        ("\\", 1),
        ("_", 1),
        ("a b", 1),
        ("at home", 1),
        ("CAFE\u{301}", 2),
        ("Garden", 1),
        ("HOME", 3),
        ("straße", 1),
        ("work", 1),
    ];
    assert_eq!(found, expected(&names));
    assert_eq!(counts(&repository, self::user()).await, []);
    repository.delete_matching(user, TodoFilter::default(), at(50)).await.unwrap();
    assert_eq!(counts(&repository, user).await, []);
}

pub(crate) async fn a_renamed_tag_keeps_its_place(repository: Repository) {
    let user = six(&repository).await;
    assert_eq!(rename(&repository, user, ["Home", "House"], 20).await, Changed(3));
    assert_eq!(tags_of(&repository, user, 1).await, "House,Garden");
    assert_eq!(tags_of(&repository, user, 3).await, "work,caf\u{e9},House");
    assert_eq!(matching(&repository, user, by_tags(&["home"])).await, []);
    assert_eq!(matching(&repository, user, by_tags(&["HOUSE"])).await, [1, 2, 3]);
    assert_eq!(rename(&repository, user, ["absent", "x"], 21).await, Changed(0));
    // A todo that has both keeps one, in the place of the renamed one.
    assert_eq!(rename(&repository, user, ["garden", "HOUSE"], 22).await, Changed(1));
    assert_eq!(tags_of(&repository, user, 1).await, "HOUSE");
    assert_eq!(find(&repository, user, id(1)).await.unwrap().version, 3);
    assert_eq!(find(&repository, user, id(4)).await.unwrap().version, 1);
}

pub(crate) async fn renaming_to_another_case_changes_those_that_differ(repository: Repository) {
    let user = six(&repository).await;
    assert_eq!(rename(&repository, user, ["home", "HOME"], 20).await, Changed(2));
    assert_eq!(tags_of(&repository, user, 1).await, "HOME,Garden");
    assert_eq!(find(&repository, user, id(2)).await.unwrap().version, 1);
    let clock = repository.changed_at(user).await.unwrap();
    assert_eq!(rename(&repository, user, ["home", "HOME"], 21).await, Changed(0));
    assert_eq!(repository.changed_at(user).await.unwrap(), clock);
    assert_eq!(rename(&repository, user, ["CAF\u{c9}", "cafe\u{301}"], 22).await, Changed(2));
    assert_eq!(tags_of(&repository, user, 4).await, "cafe\u{301},at home");
}

pub(crate) async fn an_edit_removes_tags_and_adds_others_at_the_end(repository: Repository) {
    let user = six(&repository).await;
    let everything = TodoFilter::default;
    let bulk = async |filter, patch, now| {
        repository.update_matching(user, filter, patch, at(now)).await.unwrap()
    };
    assert_eq!(
        bulk(everything(), edit(&["new", "Home"], &["work", "absent"]), 20).await,
        Changed(6)
    );
    for (number, expected) in [
        (1, "home,Garden,new"),
        (2, "HOME,new"),
        (3, "caf\u{e9},home,new"),
        (4, "CAFE\u{301},at home,new,Home"),
        (6, "new,Home"),
    ] {
        assert_eq!(tags_of(&repository, user, number).await, expected);
    }
    let clock = repository.changed_at(user).await.unwrap();
    assert_eq!(bulk(everything(), edit(&["NEW", "home"], &["work"]), 30).await, Changed(0));
    assert_eq!(bulk(everything(), edit(&[], &[]), 30).await, Changed(0));
    assert_eq!(repository.changed_at(user).await.unwrap(), clock, "nothing has changed");
    // As the service deletes a tag.
    assert_eq!(bulk(by_tags(&["HOME"]), edit(&[], &["HOME"]), 31).await, Changed(6));
    assert_eq!(tags_of(&repository, user, 2).await, "new");
    assert_eq!(bulk(everything(), edit(&[], &["new"]), 32).await, Changed(6));
    assert_eq!(tags_of(&repository, user, 2).await, "");
    assert_eq!(matching(&repository, user, by_tags(&["new"])).await, []);
}

pub(crate) async fn if_a_todo_would_have_too_many_tags_nothing_is_changed(repository: Repository) {
    let user = six(&repository).await;
    insert_with(&repository, user, 7, patch(TagsPatch::Set(many(Tags::MAX)))).await;
    let bulk = async |filter, patch| {
        repository.update_matching(user, filter, patch, at(20)).await.unwrap()
    };
    let everything = TodoFilter::default;
    let clock = repository.changed_at(user).await.unwrap();
    let others = TodoPatch { is_completed: Some(true), ..edit(&["one"], &[]) };
    for patch in [edit(&["one"], &[]), edit(&["t0", "one"], &["work"]), others] {
        assert_eq!(bulk(everything(), patch).await, TooManyTags);
        for number in 1..=7 {
            assert_eq!(find(&repository, user, id(number)).await.unwrap().version, 1);
        }
    }
    assert_eq!(repository.changed_at(user).await.unwrap(), clock);
    // Those that it has already do not count, nor those that are removed, nor todos that the filter does not match.
    assert_eq!(bulk(everything(), edit(&["t0", "T19"], &[])).await, Changed(6));
    assert_eq!(bulk(everything(), edit(&["one", "two"], &["T3", "t4"])).await, Changed(7));
    assert_eq!(bulk(by_tags(&["home"]), edit(&["three"], &[])).await, Changed(3));
    assert_eq!(bulk(everything(), edit(&["four"], &[])).await, TooManyTags);
    assert_eq!(rename(&repository, user, ["one", "four"], 21).await, Changed(7));
    assert_eq!(find(&repository, user, id(7)).await.unwrap().tags.iter().count(), Tags::MAX);
}

pub(crate) async fn an_edit_of_one_todo_that_has_too_many_tags_leaves_them(repository: Repository) {
    let user = user();
    insert_with(&repository, user, 1, patch(TagsPatch::Set(many(Tags::MAX)))).await;
    let updated = update(&repository, user, id(1), edit(&["one"], &[]), 20).await;
    assert_eq!((updated.version, updated.tags), (1, many(Tags::MAX)));
    let completed = TodoPatch { is_completed: Some(true), ..edit(&["one"], &[]) };
    let updated = update(&repository, user, id(1), completed, 21).await;
    assert_eq!((updated.version, &updated.tags), (2, &many(Tags::MAX)));
    assert_eq!(find(&repository, user, id(1)).await, Some(updated));
}

pub(crate) async fn another_users_tags_are_neither_told_nor_changed(repository: Repository) {
    let (alice, bob) = (six(&repository).await, user());
    insert_with(&repository, bob, 1, tagged(&["home", "secret"])).await;
    assert_eq!(rename(&repository, alice, ["home", "secret"], 20).await, Changed(3));
    let removal =
        repository.update_matching(alice, TodoFilter::default(), edit(&["x"], &["secret"]), at(21));
    assert_eq!(removal.await.unwrap(), Changed(6));
    assert_eq!(tags_of(&repository, bob, 1).await, "home,secret");
    assert_eq!(counts(&repository, bob).await, expected(&[("home", 1), ("secret", 1)]));
    assert!(counts(&repository, alice).await.iter().all(|(name, _)| name != "secret"));
}
