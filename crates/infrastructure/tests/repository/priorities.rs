//! Priorities: their default, filters and counts.

use todo_domain::BulkOutcome::Changed;
use todo_domain::{Priority, TodoFilter, TodoPatch, UserId};

use crate::fixtures::{
    Repository, at, by_priorities, completed, count, find, id, insert, insert_with, matching, todo,
    update, user,
};

fn priority(priority: Priority) -> TodoPatch {
    TodoPatch { priority: Some(priority), ..TodoPatch::default() }
}

/// Todos 1 to 7: one low, two medium, four high.
async fn seven(repository: &Repository) -> UserId {
    use Priority::{High, Low, Medium};
    let user = user();
    for (number, value) in (1..).zip([Medium, High, Low, High, High, Medium, High]) {
        insert_with(repository, user, number, priority(value)).await;
    }
    user
}

pub(crate) async fn a_todo_has_the_priority_that_it_was_given_or_medium(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(9, "x"), 0).await;
    assert_eq!(find(&repository, user, id(9)).await.unwrap().priority, Priority::Medium);
    for (number, value) in (1..).zip(Priority::ALL) {
        insert_with(&repository, user, number, priority(value)).await;
        assert_eq!(find(&repository, user, id(number)).await.unwrap().priority, value);
    }
    for (version, value) in (2..).zip([Priority::High, Priority::Low, Priority::Medium]) {
        let updated = update(&repository, user, id(9), priority(value), version).await;
        assert_eq!((updated.priority, updated.version), (value, version));
        assert_eq!(find(&repository, user, id(9)).await, Some(updated));
    }
}

pub(crate) async fn a_filter_by_priorities_matches_any_of_them(repository: Repository) {
    use Priority::{High, Low, Medium};
    let user = seven(&repository).await;
    for (priorities, expected) in [
        (&[][..], &[1, 2, 3, 4, 5, 6, 7][..]),
        (&[Low], &[3]),
        (&[Medium], &[1, 6]),
        (&[Low, Medium], &[1, 3, 6]),
        (&[High, Low, High], &[2, 3, 4, 5, 7]),
        (&[High, Medium, Low], &[1, 2, 3, 4, 5, 6, 7]),
    ] {
        let filter = by_priorities(priorities);
        assert_eq!(matching(&repository, user, filter.clone()).await, expected, "{priorities:?}");
        assert_eq!(count(&repository, user, filter).await.total, expected.len() as u64);
    }
}

pub(crate) async fn counts_are_of_the_active_todos_of_each_priority(repository: Repository) {
    let user = seven(&repository).await;
    let active = async |filter| count(&repository, user, filter).await.active_by_priority;
    assert_eq!(active(TodoFilter::default()).await, [1, 2, 4]);
    update(&repository, user, id(2), completed(true), 10).await;
    update(&repository, user, id(3), completed(true), 11).await;
    assert_eq!(active(TodoFilter::default()).await, [0, 2, 3]);
    assert_eq!(active(by_priorities(&[Priority::High])).await, [0, 0, 3]);
    assert_eq!(
        active(TodoFilter { is_completed: Some(true), ..TodoFilter::default() }).await,
        [0; 3]
    );
    assert_eq!(
        count(&repository, self::user(), TodoFilter::default()).await.active_by_priority,
        [0; 3]
    );
}

pub(crate) async fn bulk_calls_filter_by_priority_and_change_it(repository: Repository) {
    let user = seven(&repository).await;
    let (high, low) = (by_priorities(&[Priority::High]), priority(Priority::Low));
    let changed = repository.update_matching(user, high.clone(), low.clone(), at(20)).await;
    assert_eq!(changed.unwrap(), Changed(4));
    let changed = repository.update_matching(user, TodoFilter::default(), low, at(21)).await;
    assert_eq!(changed.unwrap(), Changed(2), "the others are low already");
    assert_eq!(find(&repository, user, id(2)).await.unwrap().version, 2);
    let deleted = repository.delete_matching(user, high, at(30)).await;
    assert_eq!(deleted.unwrap(), Changed(0));
    let deleted = repository.delete_matching(user, by_priorities(&[Priority::Low]), at(31)).await;
    assert_eq!(deleted.unwrap(), Changed(7));
}
