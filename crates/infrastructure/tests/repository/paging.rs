//! Keyset pagination: the pages make up the list, also while todos are created and deleted.

use todo_domain::{
    KeyValue, PageQuery, Position, PutCondition, Sort, SortKey, TodoId, UserId, VersionMatch,
};

use crate::fixtures::{
    Repository, SORTS, all, at, by_completion, completed, id, insert, pages, put, todo, update,
    user,
};

/// Twelve todos with ties: three for each creation time, and others for each time of change.
async fn twelve(repository: &Repository) -> UserId {
    let user = user();
    for number in 1..=12 {
        insert(repository, user, todo(number, "x"), i64::try_from(number / 3).unwrap()).await;
    }
    for number in [2, 3, 5, 7, 11] {
        update(
            repository,
            user,
            id(number),
            completed(true),
            100 - i64::try_from(number / 4).unwrap(),
        )
        .await;
    }
    user
}

pub(crate) async fn pages_make_up_the_whole_list_in_every_order_and_size(repository: Repository) {
    let user = twelve(&repository).await;
    for sort in SORTS {
        let whole = repository.list(user, PageQuery { sort, ..all() }).await.unwrap().todos;
        assert_eq!(whole.len(), 12);
        for limit in [1, 2, 5, 12, 13] {
            let query = PageQuery { sort, limit, ..all() };
            assert_eq!(pages(&repository, user, query).await, whole, "{sort:?} by {limit}");
        }
    }
}

pub(crate) async fn pages_of_a_filtered_list_make_up_that_list(repository: Repository) {
    let user = twelve(&repository).await;
    for sort in SORTS {
        for (is_completed, count) in [(true, 5), (false, 7)] {
            let query = PageQuery { filter: by_completion(is_completed), sort, ..all() };
            let whole = repository.list(user, query.clone()).await.unwrap().todos;
            assert_eq!(whole.len(), count);
            let paged = pages(&repository, user, PageQuery { limit: 2, ..query }).await;
            assert_eq!(paged, whole, "{sort:?}");
        }
    }
}

pub(crate) async fn a_page_can_start_after_a_position_without_a_todo(repository: Repository) {
    let user = user();
    for number in [10, 20, 30] {
        insert(&repository, user, todo(number, "x"), i64::try_from(number).unwrap()).await;
    }
    let after = |microseconds, number, descending| PageQuery {
        after: Some(Position { key: KeyValue::Time(at(microseconds)), id: id(number) }),
        sort: Sort { descending, ..Sort::default() },
        ..all()
    };
    let ids = async |query| -> Vec<TodoId> {
        repository.list(user, query).await.unwrap().todos.iter().map(|todo| todo.id).collect()
    };
    assert_eq!(ids(after(20, 25, true)).await, [20, 10].map(id));
    assert_eq!(ids(after(20, 15, true)).await, [10].map(id));
    assert_eq!(ids(after(20, 25, false)).await, [30].map(id));
    assert_eq!(ids(after(20, 15, false)).await, [20, 30].map(id));
    assert_eq!(ids(after(31, 0, true)).await, [30, 20, 10].map(id));
    assert_eq!(ids(after(9, u128::MAX, true)).await, []);
    assert_eq!(ids(after(9, u128::MAX, false)).await, [10, 20, 30].map(id));
}

pub(crate) async fn paging_shows_unchanged_todos_once_while_others_are_created_and_deleted(
    repository: Repository,
) {
    for sort in SORTS {
        let user = user();
        // Even numbers stay, odd ones are deleted and revived between the pages, in their old places.
        for number in 2..=60 {
            let text = if number % 2 == 0 { "stays" } else { "deleted" };
            insert(&repository, user, todo(number, text), i64::try_from(number).unwrap()).await;
        }
        let mut seen: Vec<TodoId> = Vec::new();
        let mut query = PageQuery { sort, limit: 4, ..all() };
        for round in 0.. {
            let page = repository.list(user, query.clone()).await.unwrap().todos;
            let Some(last) = page.last() else { break };
            assert!(round < 100, "the pages do not end");
            seen.extend(page.iter().map(|todo| todo.id));
            query.after = Some(sort.position_of(last));
            // Some before the current position, some after it.
            for number in [3, 31, 59].map(|number| number + 4 * (round % 5)) {
                if repository.find(user, id(number)).await.unwrap().is_none() {
                    if sort.key == SortKey::UpdatedAt && !sort.descending {
                        // The list would never end.
                        continue;
                    }
                    let revived = todo(number, "deleted");
                    put(&repository, user, revived, PutCondition::Always, 50).await;
                } else {
                    repository.delete(user, id(number), VersionMatch::Any, at(50)).await.unwrap();
                }
            }
            // Even the todo after which the next page starts may be deleted.
            if last.title.as_str() == "deleted" {
                repository.delete(user, last.id, VersionMatch::Any, at(50)).await.unwrap();
            }
        }
        let mut stayed: Vec<_> =
            seen.iter().copied().filter(|id| id.0.as_u128() % 2 == 0).collect();
        stayed.sort();
        assert_eq!(stayed, (2..=60).step_by(2).map(id).collect::<Vec<_>>(), "{sort:?}");
        seen.sort();
        seen.dedup();
        assert!(seen.len() > stayed.len(), "no created todo was seen: this test shows nothing");
    }
}

pub(crate) async fn the_page_after_the_last_todo_is_empty(repository: Repository) {
    let user = twelve(&repository).await;
    for sort in SORTS {
        let whole = repository.list(user, PageQuery { sort, ..all() }).await.unwrap().todos;
        let after = whole.last().map(|last| sort.position_of(last));
        let page = repository.list(user, PageQuery { sort, after, ..all() }).await.unwrap().todos;
        assert_eq!(page, [], "{sort:?}");
    }
}
