//! Due times: they come back as they were given, and are compared as the domain does.

use todo_domain::BulkOutcome::Changed;
use todo_domain::{PutCondition, TodoCounts, TodoFilter, TodoPatch, UserId};
use todo_infrastructure::open;
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;
use crate::fixtures::{
    Repository, after, all, at, before, by_ids, completed, due, find, id, insert_with, matching,
    put, todo, update, user,
};

/// Dates, and instants in UTC, as they are shown.
const TIMES: [&str; 14] = [
    "2026-01-22",
    "2024-02-29",
    "0001-01-01",
    "9999-12-31",
    "1969-12-31",
    "2026-03-29",
    "2026-10-25",
    "2026-01-22T00:00:00.000000Z",
    "2026-01-22T23:59:59.999999Z",
    "2024-02-29T12:00:00.000001Z",
    "0001-01-01T00:00:00.000000Z",
    "9999-12-31T23:59:59.999999Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-03-29T01:30:00.000000Z",
];

fn is_due(text: &str) -> TodoPatch {
    TodoPatch { due: Some(Some(due(text))), ..TodoPatch::default() }
}

const NEVER_DUE: TodoPatch = TodoPatch {
    title: None,
    description: None,
    is_completed: None,
    priority: None,
    due: Some(None),
    tags: None,
};

async fn due_of(repository: &Repository, user: UserId, number: u128) -> Option<String> {
    let found = find(repository, user, id(number)).await.unwrap();
    let listed = repository.list(user, all()).await.unwrap().todos;
    assert!(listed.contains(&found));
    found.due.map(|due| due.to_string())
}

pub(crate) async fn a_due_time_comes_back_as_it_was_given(repository: Repository) {
    let user = user();
    for (number, text) in (1..).zip(TIMES) {
        let inserted = insert_with(&repository, user, number, is_due(text)).await;
        assert_eq!(inserted.due.unwrap().to_string(), text);
        assert_eq!(due_of(&repository, user, number).await.as_deref(), Some(text));
        // By each other way.
        repository.update_matching(user, by_ids(&[number]), NEVER_DUE, at(50)).await.unwrap();
        assert_eq!(due_of(&repository, user, number).await, None);
        update(&repository, user, id(number), is_due(text), 50).await;
        assert_eq!(due_of(&repository, user, number).await.as_deref(), Some(text));
        update(&repository, user, id(number), NEVER_DUE, 50).await;
        repository.update_matching(user, by_ids(&[number]), is_due(text), at(50)).await.unwrap();
        assert_eq!(due_of(&repository, user, number).await.as_deref(), Some(text));
    }
}

pub(crate) async fn an_instant_comes_back_in_utc(repository: Repository) {
    let user = user();
    for (number, (given, shown)) in (1..).zip([
        ("2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00.000000Z"),
        ("2026-03-01T00:00:00.123456-12:00", "2026-03-01T12:00:00.123456Z"),
        ("9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59.000000Z"),
    ]) {
        insert_with(&repository, user, number, is_due(given)).await;
        assert_eq!(due_of(&repository, user, number).await.as_deref(), Some(shown));
    }
}

pub(crate) async fn a_due_time_changes_only_if_another_is_given(repository: Repository) {
    let user = user();
    insert_with(&repository, user, 1, TodoPatch::default()).await;
    // The last has the same place in the order as the date before it.
    for (patch, expected, version) in [
        (NEVER_DUE, None, 1),
        (is_due("2026-01-22"), Some("2026-01-22"), 2),
        (is_due("2026-01-22"), Some("2026-01-22"), 2),
        (completed(true), Some("2026-01-22"), 3),
        (is_due("2026-01-22T23:59:59.999999Z"), Some("2026-01-22T23:59:59.999999Z"), 4),
        (is_due("2026-01-23T00:59:59.999999+01:00"), Some("2026-01-22T23:59:59.999999Z"), 4),
        (NEVER_DUE, None, 5),
        (NEVER_DUE, None, 5),
    ] {
        let clock = repository.changed_at(user).await.unwrap();
        let before = find(&repository, user, id(1)).await.unwrap().version;
        let updated = update(&repository, user, id(1), patch.clone(), 10 * version).await;
        assert_eq!(updated.due.map(|due| due.to_string()).as_deref(), expected, "{patch:?}");
        assert_eq!(updated.version, version, "{patch:?}");
        let is_same_clock = repository.changed_at(user).await.unwrap() == clock;
        assert_eq!(is_same_clock, before == version, "{patch:?}");
        let bulk = repository.update_matching(user, TodoFilter::default(), patch, at(999)).await;
        assert_eq!(bulk.unwrap(), Changed(0));
    }
}

/// Todos 1 to 5, of which the last has no due time.
async fn five(repository: &Repository) -> UserId {
    let user = user();
    let times = ["2026-01-21", "2026-01-22", "2026-01-22T12:00:00Z", "2026-01-23"];
    for (number, text) in (1..).zip(times) {
        insert_with(repository, user, number, is_due(text)).await;
    }
    insert_with(repository, user, 5, TodoPatch::default()).await;
    user
}

pub(crate) async fn a_date_is_compared_as_its_day_in_the_zone_of_the_instant(
    repository: Repository,
) {
    let user = five(&repository).await;
    let none = TodoFilter::default;
    let before = |moment| TodoFilter { due_before: Some(before(moment)), ..none() };
    let after = |moment| TodoFilter { due_after: Some(after(moment)), ..none() };
    for (filter, expected) in [
        (before("2026-01-22"), &[1][..]),
        (after("2026-01-22"), &[4]),
        (before("2026-01-23"), &[1, 2, 3]),
        (after("2026-01-21"), &[2, 3, 4]),
        (before("2026-01-22T12:00:00Z"), &[1]),
        (before("2026-01-22T12:00:00.000001Z"), &[1, 3]),
        (after("2026-01-22T12:00:00Z"), &[4]),
        (after("2026-01-22T11:59:59.999999Z"), &[3, 4]),
        // At the same instant, the 22nd has ended in the east, and has not begun in the west.
        (before("2026-01-23T00:00:00+14:00"), &[1, 2]),
        (before("2026-01-22T10:00:00Z"), &[1]),
        (before("2026-01-21T22:00:00-12:00"), &[]),
        (after("2026-01-21T22:00:00-12:00"), &[2, 3, 4]),
        (after("2026-01-22T10:00:00Z"), &[3, 4]),
        (after("2026-01-23T00:00:00+14:00"), &[3]),
        (before("0001-01-01T00:00:00-14:00"), &[]),
        (after("0001-01-01T00:00:00-14:00"), &[1, 2, 3, 4]),
        (before("9999-12-31T23:59:59.999999Z"), &[1, 2, 3, 4]),
        (after("9999-12-31"), &[]),
    ] {
        assert_eq!(matching(&repository, user, filter.clone()).await, expected, "{filter:?}");
    }
    let both = TodoFilter { due_after: after("2026-01-21").due_after, ..before("2026-01-23") };
    assert_eq!(matching(&repository, user, both).await, [2, 3]);
}

pub(crate) async fn todos_with_and_without_a_due_time_are_told_apart(repository: Repository) {
    let user = five(&repository).await;
    let has_due = |it| TodoFilter { has_due: Some(it), ..TodoFilter::default() };
    assert_eq!(matching(&repository, user, has_due(true)).await, [1, 2, 3, 4]);
    assert_eq!(matching(&repository, user, has_due(false)).await, [5]);
    let neither = TodoFilter { due_before: Some(before("9999-12-31")), ..has_due(false) };
    assert_eq!(matching(&repository, user, neither).await, []);
    assert_eq!(repository.delete_matching(user, has_due(false), at(50)).await.unwrap(), Changed(1));
    let past = TodoFilter { due_before: Some(before("2026-01-22")), ..TodoFilter::default() };
    let changed = repository.update_matching(user, past, is_due("2026-01-30"), at(51)).await;
    assert_eq!(changed.unwrap(), Changed(1));
    assert_eq!(due_of(&repository, user, 1).await.as_deref(), Some("2026-01-30"));
}

pub(crate) async fn active_todos_that_are_due_before_now_are_overdue(repository: Repository) {
    let user = five(&repository).await;
    let overdue = async |now| {
        let counts = repository.count(user, TodoFilter::default(), before(now)).await.unwrap();
        let TodoCounts { total, overdue, .. } = counts;
        assert_eq!(total, 5);
        overdue
    };
    assert_eq!(overdue("2026-01-22T12:00:00Z").await, 1);
    assert_eq!(overdue("2026-01-23T02:00:00+14:00").await, 2);
    assert_eq!(overdue("2026-01-22T12:00:01Z").await, 2);
    assert_eq!(overdue("2026-01-24T00:00:00Z").await, 4);
    assert_eq!(overdue("2026-01-23T13:00:00-11:00").await, 3);
    update(&repository, user, id(1), completed(true), 10).await;
    assert_eq!(overdue("2026-01-24T00:00:00Z").await, 3);
    put(&repository, user, todo(2, "x"), PutCondition::Always, 11).await;
    assert_eq!(overdue("2026-01-24T00:00:00Z").await, 3, "a put without a due time keeps it");
}

#[tokio::test]
async fn due_times_do_not_depend_on_the_time_zone_of_postgres() {
    for zone in ["Pacific/Kiritimati", "America/New_York", "Asia/Kathmandu"] {
        let Some(database) = TestDatabase::postgres() else { return };
        let name = database.url().rsplit('/').next().unwrap().to_owned();
        database.psql(&format!("ALTER DATABASE \"{name}\" SET timezone = '{zone}'"));
        assert_eq!(database.psql("SHOW timezone"), zone);
        let repository = open(&database.url().parse().unwrap(), &OPTIONS).unwrap();
        a_due_time_comes_back_as_it_was_given(repository.clone()).await;
        an_instant_comes_back_in_utc(repository.clone()).await;
        a_date_is_compared_as_its_day_in_the_zone_of_the_instant(repository.clone()).await;
        active_todos_that_are_due_before_now_are_overdue(repository.clone()).await;
    }
}
