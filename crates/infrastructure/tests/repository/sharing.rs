//! Calls at the same moment, which an adapter may answer together: each gets what it would have got alone.

use futures_util::future::join_all;
use todo_domain::{PageQuery, Todo, TodoFilter, TodoId, UserId};

use crate::fixtures::{
    Repository, SORTS, all, at, by_completion, by_search, find, id, insert, todo, user, whole,
};

const USERS: u128 = 7;

/// Of the same ids for each user.
const TODOS: u128 = 9;

/// Users who have all but one of the same ids, each todo with a text of its own.
async fn crowd(repository: &Repository) -> Vec<Todo> {
    let owned: Vec<_> = (0..USERS)
        .flat_map(|user| {
            let owner = self::user();
            (0..TODOS).filter(move |number| *number != user).map(move |number| {
                let text = format!("{number} of {user}");
                (owner, whole(number, &text, &text, number % 3 == 0))
            })
        })
        .collect();
    let calls = owned.iter().map(|(user, todo)| insert(repository, *user, todo.clone(), 5));
    let inserted = join_all(calls).await;
    let expected: Vec<_> =
        owned.into_iter().map(|(user, todo)| todo.created(user, at(5))).collect();
    assert_eq!(inserted, expected);
    inserted
}

fn owners(todos: &[Todo]) -> Vec<UserId> {
    let mut owners: Vec<_> = todos.iter().map(|todo| todo.user_id).collect();
    owners.dedup();
    owners
}

pub(crate) async fn todos_created_at_once_are_all_there(repository: Repository) {
    for todo in crowd(&repository).await {
        assert_eq!(find(&repository, todo.user_id, todo.id).await, Some(todo));
    }
}

pub(crate) async fn todos_wanted_at_once_are_found_by_their_owners_only(repository: Repository) {
    let todos = crowd(&repository).await;
    let owners = owners(&todos);
    // Each id is wanted by each user, one after the other, and twice by the last.
    let mut wanted: Vec<(UserId, TodoId)> = (0..TODOS)
        .flat_map(|number| owners.iter().map(move |owner| (*owner, id(number))))
        .collect();
    wanted.extend(wanted.last().copied());
    let calls = wanted.iter().map(|(user, id)| find(&repository, *user, *id));
    let found = join_all(calls).await;
    for ((user, id), found) in wanted.iter().zip(found) {
        let own = todos.iter().find(|todo| (todo.user_id, todo.id) == (*user, *id));
        assert_eq!(found.as_ref(), own);
    }
}

pub(crate) async fn lists_wanted_at_once_hold_the_todos_of_their_owners(repository: Repository) {
    let todos = crowd(&repository).await;
    let owners = owners(&todos);
    let mut wanted: Vec<(UserId, PageQuery)> = Vec::new();
    for sort in SORTS {
        for filter in [TodoFilter::default(), by_completion(true), by_search("of 3")] {
            for limit in [0, 1, 3, 101, 10_000] {
                for after in [None, Some(sort.position_of(&todos[4]))] {
                    let query = PageQuery { filter: filter.clone(), sort, after, limit };
                    // The first asks twice.
                    let users = owners.iter().chain(owners.first());
                    wanted.extend(users.map(|user| (*user, query.clone())));
                }
            }
        }
    }
    let calls = wanted.iter().map(|(user, query)| repository.list(*user, query.clone()));
    let lists = join_all(calls).await;
    for ((user, query), list) in wanted.iter().zip(lists) {
        let sort = query.sort;
        let mut own: Vec<_> = todos.iter().filter(|todo| todo.user_id == *user).cloned().collect();
        own.retain(|todo| query.filter.matches(todo));
        own.sort_by(|a, b| sort.compare(sort.position_of(a), sort.position_of(b)));
        if let Some(after) = query.after {
            own.retain(|todo| sort.compare(sort.position_of(todo), after).is_gt());
        }
        own.truncate(query.limit as usize);
        assert_eq!(list.unwrap(), own, "{query:?}");
    }
}

pub(crate) async fn a_creation_that_fails_fails_alone(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(5, "taken"), 0).await;
    let calls = (0..20).map(|number| repository.insert(user, todo(number, "new"), at(1)));
    let inserted = join_all(calls).await;
    let failed: Vec<_> = (0..20).filter(|number| inserted[*number].is_err()).collect();
    assert_eq!(failed, [5]);
    let todos = repository.list(user, all()).await.unwrap();
    assert_eq!(todos.len(), 20);
    assert_eq!(find(&repository, user, id(5)).await.unwrap().title.as_str(), "taken");
}
