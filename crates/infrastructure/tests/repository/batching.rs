//! Concurrent calls, which an adapter may batch: each has the same result as alone.

use std::collections::HashSet;

use futures_util::future::join_all;
use todo_domain::{PageQuery, Todo, TodoFilter, TodoId, UserId};

use crate::fixtures::{
    Repository, SORTS, all, at, by_completion, by_search, find, full_todo, id, insert, todo, user,
};

const USERS: u128 = 7;

/// Todos per user.
const TODOS: u128 = 9;

/// Several users with todos of the same ids, but for one, and with different texts.
async fn insert_concurrently(repository: &Repository) -> Vec<Todo> {
    let owned: Vec<_> = (0..USERS)
        .flat_map(|user| {
            let owner = self::user();
            (0..TODOS).filter(move |number| *number != user).map(move |number| {
                let text = format!("{number} of {user}");
                (owner, full_todo(number, &text, &text, number % 3 == 0))
            })
        })
        .collect();
    let calls = owned.iter().map(|(user, todo)| insert(repository, *user, todo.clone(), 5));
    let inserted = join_all(calls).await;
    for (todo, (user, new)) in inserted.iter().zip(owned) {
        assert!(todo.user_id == user && todo.is_new(&new), "{todo:?}");
    }
    // Those of one user have different times, whether they were inserted together or not.
    let times: HashSet<_> = inserted.iter().map(|todo| (todo.user_id, todo.updated_at)).collect();
    assert_eq!(times.len(), inserted.len());
    inserted
}

fn owners(todos: &[Todo]) -> Vec<UserId> {
    let mut owners: Vec<_> = todos.iter().map(|todo| todo.user_id).collect();
    owners.dedup();
    owners
}

pub(crate) async fn todos_created_concurrently_are_all_stored(repository: Repository) {
    for todo in insert_concurrently(&repository).await {
        assert_eq!(find(&repository, todo.user_id, todo.id).await, Some(todo));
    }
}

pub(crate) async fn concurrent_finds_return_todos_to_their_owners_only(repository: Repository) {
    let todos = insert_concurrently(&repository).await;
    let owners = owners(&todos);
    // Each user requests each id; the last user twice.
    let mut requests: Vec<(UserId, TodoId)> = (0..TODOS)
        .flat_map(|number| owners.iter().map(move |owner| (*owner, id(number))))
        .collect();
    requests.extend(requests.last().copied());
    let calls = requests.iter().map(|(user, id)| find(&repository, *user, *id));
    let found = join_all(calls).await;
    for ((user, id), found) in requests.iter().zip(found) {
        let own = todos.iter().find(|todo| (todo.user_id, todo.id) == (*user, *id));
        assert_eq!(found.as_ref(), own);
    }
}

pub(crate) async fn concurrent_lists_contain_the_todos_of_their_owners(repository: Repository) {
    let todos = insert_concurrently(&repository).await;
    let owners = owners(&todos);
    // One order after another: the queue has a limit.
    for sort in SORTS {
        let mut requests: Vec<(UserId, PageQuery)> = Vec::new();
        for filter in [TodoFilter::default(), by_completion(true), by_search("of 3")] {
            for limit in [0, 1, 3, 101, 10_000] {
                for after in [None, Some(sort.position_of(&todos[4]))] {
                    let query = PageQuery { filter: filter.clone(), sort, after, limit };
                    // The first user requests it twice.
                    let users = owners.iter().chain(owners.first());
                    requests.extend(users.map(|user| (*user, query.clone())));
                }
            }
        }
        let calls = requests.iter().map(|(user, query)| repository.list(*user, query.clone()));
        let lists = join_all(calls).await;
        for ((user, query), list) in requests.iter().zip(lists) {
            let mut own: Vec<_> =
                todos.iter().filter(|todo| todo.user_id == *user).cloned().collect();
            own.retain(|todo| query.filter.matches(todo));
            own.sort_by(|a, b| sort.compare(&sort.position_of(a), &sort.position_of(b)));
            if let Some(after) = &query.after {
                own.retain(|todo| sort.compare(&sort.position_of(todo), after).is_gt());
            }
            own.truncate(query.limit as usize);
            assert_eq!(list.unwrap().todos, own, "{query:?}");
        }
    }
}

pub(crate) async fn a_failed_creation_fails_no_other_call(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(5, "taken"), 0).await;
    let calls = (0..20).map(|number| repository.insert(user, todo(number, "new"), None, at(1)));
    let inserted = join_all(calls).await;
    let failed: Vec<_> = (0..20).filter(|number| inserted[*number].is_err()).collect();
    assert_eq!(failed, [5]);
    let todos = repository.list(user, all()).await.unwrap().todos;
    assert_eq!(todos.len(), 20);
    assert_eq!(find(&repository, user, id(5)).await.unwrap().title.as_str(), "taken");
}
