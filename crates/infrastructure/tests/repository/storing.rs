//! Todos are stored exactly.

use todo_domain::search::fold;
use todo_domain::{PageQuery, Priority, RepositoryError, Sort, SortKey, Tags, Todo, TodoId};
use uuid::Uuid;

use crate::fixtures::{
    Repository, all, at, description, find, full_todo, id, insert, pages, title, todo, user,
};

/// Texts that could be changed by mistake: trimmed, normalized, unescaped, truncated, or folded.
const ODD_TEXTS: [&str; 20] = [
    "  leading, trailing and  double spaces  ",
    "tab\tnewline\ncarriage return\r\nvertical\u{b} form\u{c} next line\u{85} para\u{2029}",
    "'single' \"double\" `back` \\back\\slash\\ \\n \\u0000 \\x00",
    "%s %d {} $1 ?1 :name @name % _ * -- /* */ ; DROP TABLE todos;",
    "\u{1} \u{1b}[31m \u{7f} \u{80} \u{9f}",
    "composed \u{e9}, decomposed e\u{301}",
    "\u{301}begins with a combining mark",
    "𝄞 beyond the basic plane 🧑‍👩‍👧‍👦 🇺🇦 👍🏽",
    "مرحبا שלום \u{202e}right to left\u{202c}",
    "ゼロ幅\u{200b}zero\u{200d}width\u{feff}",
    "\u{feff}begins with a byte order mark",
    "\u{fffd} \u{fffe} \u{ffff} not characters",
    "\u{d7ff}\u{e000} beside the surrogates \u{10fffe}\u{10ffff}",
    "\u{130} \u{131} \u{17f} ß \u{1e9e} \u{fb01} Σς \u{1c5} \u{212b} \u{c5} A\u{30a}",
    "\u{a0}no-break\u{2003}em\u{3000}ideographic spaces\u{a0}",
    "null",
    "\\N",
    "{\"json\":[1,2]}",
    "0x00 1e309 NaN",
    "x",
];

pub(crate) async fn an_inserted_todo_is_stored_exactly(repository: Repository) {
    let user = user();
    let new = full_todo(7, "Buy groceries", "milk, eggs", true);
    let expected = Todo {
        id: id(7),
        user_id: user,
        title: title("Buy groceries"),
        description: Some(description("milk, eggs")),
        is_completed: true,
        completed_at: Some(at(0)),
        priority: Priority::Medium,
        due: None,
        tags: Tags::default(),
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    };
    assert_eq!(insert(&repository, user, new, 0).await, expected);
    assert_eq!(find(&repository, user, id(7)).await.as_ref(), Some(&expected));
    assert_eq!(repository.list(user, all()).await.unwrap().todos, [expected]);
}

pub(crate) async fn unusual_texts_are_stored_exactly(repository: Repository) {
    let user = user();
    for (number, text) in (1..).zip(ODD_TEXTS) {
        let inserted = insert(&repository, user, full_todo(number, text, text, false), 0).await;
        assert_eq!(inserted.title.as_str(), text);
        let found = find(&repository, user, id(number)).await.unwrap();
        assert_eq!(found, inserted, "{text:?}");
        assert_eq!(found.description, Some(description(text)));
    }
}

pub(crate) async fn texts_of_maximum_length_are_stored(repository: Repository) {
    let user = user();
    for (number, character) in (1..).zip(["x", "ß", "語", "𝄞", "\u{10ffff}"]) {
        let new = full_todo(number, &character.repeat(255), &character.repeat(2_000), false);
        let inserted = insert(&repository, user, new, 0).await;
        assert_eq!(find(&repository, user, id(number)).await, Some(inserted));
    }
}

pub(crate) async fn a_missing_description_differs_from_an_empty_one(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "never given"), 0).await;
    insert(&repository, user, full_todo(2, "empty", "", false), 0).await;
    assert_eq!(find(&repository, user, id(1)).await.unwrap().description, None);
    assert_eq!(find(&repository, user, id(2)).await.unwrap().description, Some(description("")));
}

pub(crate) async fn times_are_stored_to_the_microsecond(repository: Repository) {
    let user = user();
    let times = [
        "1969-12-31T23:59:59.999999Z",
        "2024-02-29T00:00:00Z",
        "2026-01-22T10:30:00.000001Z",
        "2026-01-22T10:30:00.999999Z",
        "2026-12-31T23:59:59.123456Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    for (number, time) in (1..).zip(times) {
        let now = time.parse().unwrap();
        repository.insert(user, todo(number, "x"), None, now).await.unwrap();
        let found = find(&repository, user, id(number)).await.unwrap();
        assert_eq!((found.created_at, found.updated_at), (now, now));
    }
}

pub(crate) async fn any_uuid_can_be_an_id(repository: Repository) {
    let user = user();
    for uuid in [Uuid::nil(), Uuid::max(), Uuid::new_v4(), Uuid::from_u128(0x8000_0000 << 96)] {
        let new = todo(uuid.as_u128(), "x");
        let inserted = insert(&repository, user, new, 0).await;
        assert_eq!(find(&repository, user, TodoId(uuid)).await, Some(inserted));
    }
    assert_eq!(repository.list(user, all()).await.unwrap().todos.len(), 4);
}

pub(crate) async fn an_absent_todo_is_not_found(repository: Repository) {
    let user = user();
    assert_eq!(find(&repository, user, id(1)).await, None);
    insert(&repository, user, todo(1, "x"), 0).await;
    assert_eq!(find(&repository, user, id(2)).await, None);
}

pub(crate) async fn inserting_the_same_todo_again_at_the_same_time_changes_nothing(
    repository: Repository,
) {
    let user = user();
    let first = insert(&repository, user, full_todo(1, "x", "y", false), 0).await;
    let second = insert(&repository, user, full_todo(1, "x", "y", false), 0).await;
    assert_eq!(first, second);
    assert_eq!(repository.list(user, all()).await.unwrap().todos, [first]);
}

pub(crate) async fn inserting_with_an_existing_id_is_an_error_and_changes_nothing(
    repository: Repository,
) {
    let user = user();
    let first = insert(&repository, user, todo(1, "first"), 0).await;
    for (text, microseconds) in [("second", 0), ("first ", 1)] {
        let second = repository.insert(user, todo(1, text), None, at(microseconds)).await;
        assert!(matches!(second, Err(RepositoryError::Internal(_))), "{second:?}");
    }
    assert_eq!(repository.list(user, all()).await.unwrap().todos, [first]);
    // The error affected neither the connection nor the transaction of other calls.
    insert(&repository, user, todo(2, "another"), 0).await;
}

pub(crate) async fn ping_succeeds(repository: Repository) {
    repository.ping().await.unwrap();
}

/// Random titles of 255 code points that fold to up to 12 bytes each: a database must not refuse them because of their
/// index, whose rows Postgres limits to 2,704 bytes.
pub(crate) async fn titles_that_are_longest_when_folded_are_stored_and_sorted(
    repository: Repository,
) {
    // Each folds to 2 or 3 code points of 4 bytes.
    const MUSIC: [char; 13] = [
        '\u{1d15e}',
        '\u{1d15f}',
        '\u{1d160}',
        '\u{1d161}',
        '\u{1d162}',
        '\u{1d163}',
        '\u{1d164}',
        '\u{1d1bb}',
        '\u{1d1bc}',
        '\u{1d1bd}',
        '\u{1d1be}',
        '\u{1d1bf}',
        '\u{1d1c0}',
    ];
    let user = user();
    // A small generator, whose numbers do not compress.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut longest = 0;
    for percent in [0, 5, 10, 20, 30, 40, 50, 60, 80, 100] {
        let text: String = (0..255)
            .map(|_| {
                if random(100) < percent {
                    // Any Chinese character beyond the basic plane: 4 bytes, of which 3 are random.
                    char::from_u32(0x20000 + u32::try_from(random(42_000)).unwrap()).unwrap()
                } else {
                    MUSIC[usize::try_from(random(13)).unwrap()]
                }
            })
            .collect();
        longest = longest.max(fold(&text).len());
        let inserted = insert(&repository, user, todo(u128::from(percent), &text), 0).await;
        assert_eq!(find(&repository, user, inserted.id).await, Some(inserted));
    }
    let text = "\u{1d160}".repeat(255);
    assert_eq!(fold(&text).len(), 3_060);
    insert(&repository, user, todo(999, &text), 0).await;
    assert!(longest > 2_704, "{longest}");
    let sort = Sort { key: SortKey::Title, descending: false };
    let query = PageQuery { sort, limit: 4, ..all() };
    let titles: Vec<_> = pages(&repository, user, query).await;
    assert_eq!(titles.len(), 11);
    assert!(titles.is_sorted_by_key(|todo| fold(todo.title.as_str()).into_owned()));
}
