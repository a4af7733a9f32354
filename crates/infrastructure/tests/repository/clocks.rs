//! Owners' clocks: which calls set them, and to what.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join_all;
use todo_domain::{PageQuery, PutCondition, Sort, SortKey, TodoFilter, VersionMatch};

use crate::fixtures::{
    Repository, all, at, by_search, completed, id, insert, new_title, put, todo, update, user,
};

pub(crate) async fn what_changes_nothing_does_not_set_the_clock(repository: Repository) {
    let user = user();
    assert_eq!(repository.changed_at(user).await.unwrap(), None);
    insert(&repository, user, todo(1, "x"), 0).await;
    insert(&repository, user, todo(1, "x"), 10).await;
    update(&repository, user, id(1), new_title("x"), 10).await;
    let wrong = VersionMatch::OneOf(vec![7]);
    let update = |id, versions| repository.update(user, id, new_title("y"), versions, at(10));
    update(id(1), wrong.clone()).await.unwrap();
    update(id(2), VersionMatch::Any).await.unwrap();
    for condition in
        [PutCondition::Always, PutCondition::Absent, PutCondition::Present(wrong.clone())]
    {
        put(&repository, user, todo(1, "x"), condition, 10).await;
    }
    repository.delete(user, id(1), wrong, at(10)).await.unwrap();
    repository.delete(user, id(2), VersionMatch::Any, at(10)).await.unwrap();
    let everything = TodoFilter::default();
    repository.update_matching(user, everything, completed(false), at(10)).await.unwrap();
    repository.delete_matching(user, by_search("nowhere"), at(10)).await.unwrap();
    assert_eq!(repository.changed_at(user).await.unwrap(), Some(at(0)));
}

pub(crate) async fn each_change_has_a_later_time_whatever_the_servers_clock_says(
    repository: Repository,
) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 100).await;
    let changed_at = async || repository.changed_at(user).await.unwrap();
    assert_eq!(insert(&repository, user, todo(2, "x"), 100).await.created_at, at(101));
    assert_eq!(insert(&repository, user, todo(3, "x"), 50).await.updated_at, at(102));
    update(&repository, user, id(1), new_title("y"), 50).await;
    assert_eq!(changed_at().await, Some(at(103)));
    put(&repository, user, todo(1, "z"), PutCondition::Always, 50).await;
    assert_eq!(changed_at().await, Some(at(104)));
    repository.delete(user, id(1), VersionMatch::Any, at(50)).await.unwrap();
    assert_eq!(changed_at().await, Some(at(105)));
    put(&repository, user, todo(1, "z"), PutCondition::Always, 50).await;
    assert_eq!(changed_at().await, Some(at(106)));
    let everything = TodoFilter::default();
    repository.update_matching(user, everything.clone(), completed(true), at(50)).await.unwrap();
    assert_eq!(changed_at().await, Some(at(107)));
    repository.delete_matching(user, everything, at(50)).await.unwrap();
    assert_eq!(changed_at().await, Some(at(108)));
    assert_eq!(insert(&repository, user, todo(9, "x"), 200).await.created_at, at(200));
}

pub(crate) async fn a_list_tells_when_the_owner_last_changed_anything(repository: Repository) {
    let (user, other) = (user(), user());
    let lists = [all(), PageQuery { filter: by_search("nowhere"), ..all() }];
    let times = async || {
        let times = lists.iter().map(|query| repository.list(user, query.clone()));
        let times = join_all(times).await.into_iter();
        times.map(|listed| listed.unwrap().changed_at).collect::<Vec<_>>()
    };
    assert_eq!(times().await, [None, None]);
    insert(&repository, user, todo(1, "x"), 1).await;
    insert(&repository, user, todo(2, "x"), 2).await;
    insert(&repository, other, todo(2, "x"), 9).await;
    assert_eq!(times().await, [Some(at(2)); 2]);
    repository.delete(user, id(1), VersionMatch::Any, at(3)).await.unwrap();
    assert_eq!(times().await, [Some(at(3)); 2]);
}

pub(crate) async fn the_clocks_of_many_users_are_read_at_once(repository: Repository) {
    let users: Vec<_> = (0..3).map(|_| user()).collect();
    for (now, user) in (1..).zip(&users) {
        insert(&repository, *user, todo(1, "x"), now).await;
    }
    let unchanged = user();
    let mut times = repository.changed_at_of(vec![users[2], unchanged, users[0]]).await.unwrap();
    times.sort_by_key(|(_, at)| *at);
    assert_eq!(times, [(users[0], at(1)), (users[2], at(3))]);
    // Also when single calls are batched.
    let calls = users.iter().chain([&unchanged]).map(|user| repository.changed_at(*user));
    let times: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(times, [Some(at(1)), Some(at(2)), Some(at(3)), None]);
}

pub(crate) async fn racing_writers_of_every_kind_have_different_times(repository: Repository) {
    let user = user();
    let calls = (0..40_u128).map(|number| {
        let repository = Arc::clone(&repository);
        async move {
            // Half of them have a clock that is behind.
            let now = i64::try_from(number % 2).unwrap() * 1_000;
            insert(&repository, user, todo(number, "x"), now).await;
            update(&repository, user, id(number), completed(true), now).await;
            put(&repository, user, todo(number, "y"), PutCondition::Always, now).await;
            if number % 4 == 0 {
                repository.delete(user, id(number), VersionMatch::Any, at(now)).await.unwrap();
            }
        }
    });
    join_all(calls).await;
    let by_update = Sort { key: SortKey::UpdatedAt, descending: false };
    let listed = repository.list(user, PageQuery { sort: by_update, ..all() }).await.unwrap();
    let deleted = repository.changes(user, None, 500).await.unwrap().unwrap();
    let times: HashSet<_> = listed.todos.iter().map(|todo| todo.updated_at).collect();
    assert_eq!((listed.todos.len(), times.len()), (30, 30));
    assert_eq!(deleted.items, listed.todos);
    assert!(listed.changed_at.unwrap() >= listed.todos[29].updated_at);
}
