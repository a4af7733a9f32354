//! No call for one user reads or changes another user's todos.

use todo_domain::BulkOutcome::Changed;
use todo_domain::{
    DeleteOutcome, PutCondition, PutOutcome, TodoCounts, TodoFilter, UpdateOutcome, UserId,
    VersionMatch,
};

use crate::fixtures::{
    Repository, all, at, by_search, completed, count, counts, find, id, insert, new_title, put,
    titles, todo, update, user,
};

/// Alice, who has todo 1, and Bob, who has none.
async fn alice_and_bob(repository: &Repository) -> (UserId, UserId) {
    let (alice, bob) = (user(), user());
    insert(repository, alice, todo(1, "Alice's"), 0).await;
    (alice, bob)
}

async fn assert_untouched(repository: &Repository, alice: UserId) {
    let todo = find(repository, alice, id(1)).await.unwrap();
    assert_eq!((todo.title.as_str(), todo.version, todo.updated_at), ("Alice's", 1, at(0)));
}

pub(crate) async fn another_users_todo_is_not_found(repository: Repository) {
    let (_, bob) = alice_and_bob(&repository).await;
    assert_eq!(find(&repository, bob, id(1)).await, None);
}

pub(crate) async fn another_users_todos_are_neither_listed_nor_counted(repository: Repository) {
    let (alice, bob) = alice_and_bob(&repository).await;
    assert_eq!(repository.list(bob, all()).await.unwrap().todos, []);
    assert_eq!(count(&repository, bob, TodoFilter::default()).await, TodoCounts::default());
    assert!(titles(&repository, bob, by_search("alice")).await.is_empty());

    insert(&repository, bob, todo(2, "Bob's"), 0).await;
    assert_eq!(titles(&repository, bob, TodoFilter::default()).await, ["Bob's"]);
    assert_eq!(titles(&repository, alice, TodoFilter::default()).await, ["Alice's"]);
    assert_eq!(count(&repository, alice, TodoFilter::default()).await, counts(1, 0));
}

pub(crate) async fn another_users_todo_is_not_updated(repository: Repository) {
    let (alice, bob) = alice_and_bob(&repository).await;
    for versions in [VersionMatch::Any, VersionMatch::OneOf(vec![1]), VersionMatch::OneOf(vec![2])]
    {
        let outcome = repository.update(bob, id(1), new_title("Bob's"), versions, at(1)).await;
        assert_eq!(outcome.unwrap(), UpdateOutcome::Absent);
    }
    assert_untouched(&repository, alice).await;
}

pub(crate) async fn another_users_todo_is_not_replaced(repository: Repository) {
    let (alice, bob) = alice_and_bob(&repository).await;
    for versions in [VersionMatch::Any, VersionMatch::OneOf(vec![1]), VersionMatch::OneOf(vec![2])]
    {
        let condition = PutCondition::Present(versions);
        let outcome = put(&repository, bob, todo(1, "Bob's"), condition, 1).await;
        assert_eq!(outcome, PutOutcome::Conflict(None));
    }
    assert_untouched(&repository, alice).await;
}

pub(crate) async fn another_users_todo_is_not_deleted(repository: Repository) {
    let (alice, bob) = alice_and_bob(&repository).await;
    for versions in [VersionMatch::Any, VersionMatch::OneOf(vec![1]), VersionMatch::OneOf(vec![2])]
    {
        let outcome = repository.delete(bob, id(1), versions, at(50)).await.unwrap();
        assert_eq!(outcome, DeleteOutcome::Absent);
    }
    assert_untouched(&repository, alice).await;
}

pub(crate) async fn bulk_changes_affect_only_the_users_own_todos(repository: Repository) {
    let (alice, bob) = alice_and_bob(&repository).await;
    insert(&repository, bob, todo(1, "Bob's"), 0).await;
    for filter in [TodoFilter::default(), by_search("'s")] {
        assert_eq!(
            repository.update_matching(bob, filter.clone(), completed(true), at(1)).await.unwrap(),
            Changed(1)
        );
        assert_eq!(
            repository.update_matching(bob, filter, completed(false), at(2)).await.unwrap(),
            Changed(1)
        );
    }
    assert_eq!(
        repository.delete_matching(bob, TodoFilter::default(), at(50)).await.unwrap(),
        Changed(1)
    );
    assert_untouched(&repository, alice).await;
}

pub(crate) async fn two_users_can_have_todos_with_the_same_id(repository: Repository) {
    let (alice, bob) = alice_and_bob(&repository).await;
    for condition in [PutCondition::Absent, PutCondition::Always] {
        let made = put(&repository, bob, todo(1, "Bob's"), condition, 1).await;
        assert!(matches!(made, PutOutcome::Created(todo) if todo.user_id == bob));
        assert_untouched(&repository, alice).await;
        repository.delete(bob, id(1), VersionMatch::Any, at(50)).await.unwrap();
    }
    insert(&repository, bob, todo(1, "Bob's"), 1).await;
    update(&repository, bob, id(1), completed(true), 2).await;
    assert_untouched(&repository, alice).await;

    repository.delete(alice, id(1), VersionMatch::OneOf(vec![1]), at(50)).await.unwrap();
    assert_eq!(find(&repository, alice, id(1)).await, None);
    assert_eq!(find(&repository, bob, id(1)).await.unwrap().version, 2);
}
