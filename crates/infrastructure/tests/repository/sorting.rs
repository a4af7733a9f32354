//! The orders by due time, priority and title: whole lists, pages, and positions of todos that have changed.

use chrono::TimeDelta;
use todo_domain::{
    KeyValue, PageQuery, Position, Priority, Sort, SortKey, TodoFilter, TodoId, TodoPatch, UserId,
    VersionMatch,
};

use crate::fixtures::{
    Repository, SORTS, all, at, before, by_completion, by_priorities, by_tags, completed, due, id,
    ids, insert_with, new_title, pages, tagged, update, user,
};

fn by(key: SortKey, descending: bool) -> PageQuery {
    PageQuery { sort: Sort { key, descending }, ..all() }
}

fn is_due(text: &str) -> TodoPatch {
    TodoPatch { due: Some(Some(due(text))), ..TodoPatch::default() }
}

/// Todos 1 to 7, of which 3 and 6 have no due time, and 4, 5 and 7 have the same place.
async fn with_due_times(repository: &Repository) -> UserId {
    let user = user();
    for (number, time) in [
        (1, Some("2026-02-01")),
        (2, Some("2026-01-22T10:00:00+01:00")),
        (3, None),
        (4, Some("2026-01-22")),
        (5, Some("2026-01-22T23:59:59.999999Z")),
        (6, None),
        (7, Some("2026-01-23T01:59:59.999999+02:00")),
    ] {
        let fields = time.map(is_due).unwrap_or_default();
        insert_with(repository, user, number, fields).await;
    }
    user
}

async fn numbers(repository: &Repository, user: UserId, query: PageQuery) -> Vec<u128> {
    ids(repository, user, query).await.into_iter().map(|TodoId(id)| id.as_u128()).collect()
}

pub(crate) async fn todos_without_a_due_time_come_last_in_both_directions(repository: Repository) {
    let user = with_due_times(&repository).await;
    let ascending = numbers(&repository, user, by(SortKey::Due, false)).await;
    assert_eq!(ascending, [2, 4, 5, 7, 1, 3, 6]);
    let descending = numbers(&repository, user, by(SortKey::Due, true)).await;
    assert_eq!(descending, [1, 7, 5, 4, 2, 6, 3]);
    for limit in 1..=8 {
        for (descending, expected) in [(false, &ascending), (true, &descending)] {
            let query = PageQuery { limit, ..by(SortKey::Due, descending) };
            let first = numbers(&repository, user, query.clone()).await;
            assert_eq!(first, expected[..7.min(limit as usize)]);
            let paged = pages(&repository, user, query).await;
            let paged: Vec<_> = paged.iter().map(|todo| todo.id.0.as_u128()).collect();
            assert_eq!(&paged, expected, "by {limit}");
        }
    }
}

pub(crate) async fn priorities_are_sorted_by_importance(repository: Repository) {
    use Priority::{High, Low, Medium};
    let user = user();
    for (number, priority) in (1..).zip([Medium, High, Low, High, Medium]) {
        let fields = TodoPatch { priority: Some(priority), ..TodoPatch::default() };
        insert_with(&repository, user, number, fields).await;
    }
    let ascending = numbers(&repository, user, by(SortKey::Priority, false)).await;
    assert_eq!(ascending, [3, 1, 5, 2, 4]);
    let descending = numbers(&repository, user, by(SortKey::Priority, true)).await;
    assert_eq!(descending, [4, 2, 5, 1, 3]);
}

pub(crate) async fn titles_are_sorted_by_the_code_points_of_their_folded_texts(
    repository: Repository,
) {
    let user = user();
    let texts = [
        "b",
        "A",
        "a",
        "\u{c9}",
        "e\u{301}",
        "z",
        "Z10",
        "Z2",
        "\u{ffe5}",
        "𝄞",
        "_",
        "straße",
        "STRASSE 1",
    ];
    for (number, text) in (1..).zip(texts) {
        insert_with(&repository, user, number, TodoPatch::default()).await;
        update(&repository, user, id(number), new_title(text), 100).await;
    }
    let ascending = numbers(&repository, user, by(SortKey::Title, false)).await;
    assert_eq!(ascending, [11, 2, 3, 1, 12, 13, 6, 7, 8, 4, 5, 9, 10]);
    let mut reversed = ascending;
    reversed.reverse();
    assert_eq!(numbers(&repository, user, by(SortKey::Title, true)).await, reversed);
}

pub(crate) async fn pages_start_after_the_old_place_of_a_todo_that_has_changed_or_is_deleted(
    repository: Repository,
) {
    for sort in SORTS.into_iter().filter(|sort| sort.key != SortKey::UpdatedAt) {
        let user = user();
        let times =
            [Some("2026-01-01"), Some("2026-01-02T12:00:00Z"), Some("2026-01-03"), None, None];
        for (number, time) in (1..).zip(times) {
            let fields = TodoPatch {
                priority: Some(Priority::ALL[usize::try_from(number).unwrap() / 2]),
                ..time.map(is_due).unwrap_or_default()
            };
            insert_with(&repository, user, number, fields).await;
            update(&repository, user, id(number), new_title(&number.to_string()), 50).await;
        }
        let whole = repository.list(user, PageQuery { sort, ..all() }).await.unwrap().todos;
        for last in 0..5 {
            let after = Some(sort.position_of(&whole[last]));
            let next = PageQuery { sort, after, ..all() };
            let rest: Vec<_> = whole[last + 1..].iter().map(|todo| todo.id).collect();
            assert_eq!(ids(&repository, user, next.clone()).await, rest, "{sort:?} {last}");
            if last % 2 == 0 {
                repository.delete(user, whole[last].id, VersionMatch::Any, at(90)).await.unwrap();
            } else {
                // Now it comes before all others.
                let fields = TodoPatch {
                    title: new_title(if sort.descending { "~" } else { "!" }).title,
                    priority: Some(if sort.descending { Priority::High } else { Priority::Low }),
                    ..is_due(if sort.descending { "9999-12-31" } else { "0001-01-01" })
                };
                update(&repository, user, whole[last].id, fields, 91).await;
            }
            if sort.key == SortKey::CreatedAt || last % 2 == 0 {
                assert_eq!(ids(&repository, user, next).await, rest, "{sort:?} {last}");
            } else {
                // At its old place it is not seen again, unless another one has the same value.
                let seen = ids(&repository, user, next).await;
                assert!(rest.iter().all(|id| seen.contains(id)), "{sort:?} {last}");
            }
        }
    }
}

pub(crate) async fn a_page_by_due_time_can_start_at_any_position(repository: Repository) {
    let user = with_due_times(&repository).await;
    let time = |text| KeyValue::Time(due(text).order());
    for (key, number, descending, expected) in [
        (time("2026-01-22"), 4, false, &[5, 7, 1, 3, 6][..]),
        (time("2026-01-22"), 6, false, &[7, 1, 3, 6]),
        (time("2026-01-22"), 5, true, &[4, 2, 6, 3]),
        (time("9999-12-31"), 99, false, &[3, 6]),
        (time("0001-01-01"), 0, true, &[6, 3]),
        (time("9999-12-31"), 99, true, &[1, 7, 5, 4, 2, 6, 3]),
        (KeyValue::Absent, 3, false, &[6]),
        (KeyValue::Absent, 4, false, &[6]),
        (KeyValue::Absent, 6, true, &[3]),
        (KeyValue::Absent, 5, true, &[3]),
        (KeyValue::Absent, 6, false, &[]),
        (KeyValue::Absent, 3, true, &[]),
    ] {
        let after = Some(Position { key: key.clone(), id: id(number) });
        let query = PageQuery { after, ..by(SortKey::Due, descending) };
        assert_eq!(numbers(&repository, user, query).await, expected, "{key:?} {number}");
    }
}

pub(crate) async fn filtered_lists_are_in_every_order_like_whole_ones(repository: Repository) {
    let user = with_due_times(&repository).await;
    for number in 8..=12 {
        insert_with(
            &repository,
            user,
            number,
            tagged(if number % 2 == 0 { &["even"] } else { &["even", "odd"] }),
        )
        .await;
    }
    for number in [2, 3, 8, 9] {
        update(&repository, user, id(number), completed(true), 100).await;
    }
    let none = TodoFilter::default;
    let filters = [
        by_completion(true),
        by_completion(false),
        by_tags(&["odd"]),
        by_priorities(&[Priority::Medium, Priority::High]),
        by_priorities(&[Priority::High]),
        TodoFilter { has_due: Some(true), ..none() },
        TodoFilter { has_due: Some(false), ..none() },
        TodoFilter { due_before: Some(before("2026-01-23")), ..none() },
        TodoFilter { due_before: Some(before("2026-01-23")), has_due: Some(false), ..none() },
        TodoFilter { due_before: Some(before("2026-01-23")), ..by_completion(false) },
    ];
    let everything = repository.list(user, all()).await.unwrap().todos;
    for sort in SORTS {
        for filter in &filters {
            let mut expected = everything.clone();
            expected.retain(|todo| filter.matches(todo));
            expected.sort_by(|a, b| sort.compare(&sort.position_of(a), &sort.position_of(b)));
            for limit in [1, 2, 3, 20] {
                let query = PageQuery { filter: filter.clone(), sort, limit, ..all() };
                assert_eq!(pages(&repository, user, query).await, expected, "{sort:?} {filter:?}");
            }
        }
    }
}

pub(crate) async fn a_list_by_due_time_tells_when_the_owner_last_changed_anything(
    repository: Repository,
) {
    let user = user();
    let changed_at = async |has_due| {
        let filter = TodoFilter { has_due, ..TodoFilter::default() };
        let query = PageQuery { filter, ..by(SortKey::Due, false) };
        repository.list(user, query).await.unwrap().changed_at
    };
    assert_eq!(changed_at(None).await, None);
    insert_with(&repository, user, 1, is_due("2026-01-22")).await;
    for has_due in [None, Some(true), Some(false)] {
        assert_eq!(changed_at(has_due).await, Some(at(1)));
    }
    insert_with(&repository, user, 2, TodoPatch::default()).await;
    for has_due in [None, Some(true), Some(false)] {
        assert_eq!(changed_at(has_due).await, Some(at(1) + TimeDelta::microseconds(1)));
    }
}
