//! PUT on the condition that the todo is absent, is present, or has a matching version.

use todo_domain::{PutCondition, PutOutcome, Todo, UserId, VersionMatch};

use crate::fixtures::{
    Repository, all, at, completed, find, id, insert, put, title, todo, update, user,
};

fn of(versions: &[i64]) -> PutCondition {
    PutCondition::Present(VersionMatch::OneOf(versions.to_vec()))
}

/// A user with todo 1 at version 2.
async fn at_version_2(repository: &Repository) -> (UserId, Todo) {
    let user = user();
    insert(repository, user, todo(1, "first"), 0).await;
    (user, update(repository, user, id(1), completed(true), 1).await)
}

fn replaced(current: &Todo) -> PutOutcome {
    PutOutcome::Replaced(Todo {
        title: title("new"),
        is_completed: false,
        completed_at: None,
        version: 3,
        updated_at: at(2),
        ..current.clone()
    })
}

pub(crate) async fn if_absent_creates(repository: Repository) {
    let user = user();
    let outcome = put(&repository, user, todo(1, "x"), PutCondition::Absent, 0).await;
    let created = todo(1, "x").created(user, at(0));
    assert_eq!(outcome, PutOutcome::Created(created.clone()));
    assert_eq!(find(&repository, user, id(1)).await, Some(created));
}

pub(crate) async fn if_absent_conflicts_with_an_existing_todo_and_returns_it(
    repository: Repository,
) {
    let (user, current) = at_version_2(&repository).await;
    for (new, microseconds) in [(todo(1, "new"), 2), (todo(1, "first"), 0)] {
        let outcome = put(&repository, user, new, PutCondition::Absent, microseconds).await;
        assert_eq!(outcome, PutOutcome::Conflict(Some(current.clone())));
    }
    assert_eq!(repository.list(user, all()).await.unwrap().todos, [current]);
}

pub(crate) async fn if_present_replaces(repository: Repository) {
    let (user, current) = at_version_2(&repository).await;
    let condition = PutCondition::Present(VersionMatch::Any);
    let outcome = put(&repository, user, todo(1, "new"), condition.clone(), 2).await;
    assert_eq!(outcome, replaced(&current));
    // It is already as requested: nothing changes.
    let outcome = put(&repository, user, todo(1, "new"), condition, 3).await;
    assert_eq!(outcome, replaced(&current));
}

pub(crate) async fn if_present_creates_nothing(repository: Repository) {
    let user = user();
    let condition = PutCondition::Present(VersionMatch::Any);
    let outcome = put(&repository, user, todo(1, "x"), condition, 0).await;
    assert_eq!(outcome, PutOutcome::Conflict(None));
    assert_eq!(find(&repository, user, id(1)).await, None);
}

pub(crate) async fn if_of_a_version_replaces_that_version(repository: Repository) {
    for versions in [vec![2], vec![1, 2, 3]] {
        let (user, current) = at_version_2(&repository).await;
        let outcome = put(&repository, user, todo(1, "new"), of(&versions), 2).await;
        assert_eq!(outcome, replaced(&current));
    }
}

pub(crate) async fn if_of_a_version_conflicts_with_another_and_returns_it(repository: Repository) {
    let (user, current) = at_version_2(&repository).await;
    for versions in [vec![1], vec![3, 4], vec![]] {
        let outcome = put(&repository, user, todo(1, "new"), of(&versions), 2).await;
        assert_eq!(outcome, PutOutcome::Conflict(Some(current.clone())));
    }
    assert_eq!(find(&repository, user, id(1)).await, Some(current));
}

pub(crate) async fn if_of_a_version_creates_nothing(repository: Repository) {
    let user = user();
    for versions in [vec![0], vec![1], vec![]] {
        let outcome = put(&repository, user, todo(1, "x"), of(&versions), 0).await;
        assert_eq!(outcome, PutOutcome::Conflict(None));
    }
    assert_eq!(find(&repository, user, id(1)).await, None);
}

pub(crate) async fn unless_of_a_version_creates_replaces_or_conflicts(repository: Repository) {
    let unless = |versions: &[i64]| PutCondition::Unless(versions.to_vec());
    let other = user();
    let created = put(&repository, other, todo(1, "new"), unless(&[1]), 0).await;
    assert!(matches!(&created, PutOutcome::Created(todo) if todo.version == 1), "{created:?}");

    let (user, current) = at_version_2(&repository).await;
    let refused = put(&repository, user, todo(1, "new"), unless(&[1, 2]), 2).await;
    assert_eq!(refused, PutOutcome::Conflict(Some(current.clone())));
    assert_eq!(find(&repository, user, id(1)).await.as_ref(), Some(&current));
    let outcome = put(&repository, user, todo(1, "new"), unless(&[1, 3]), 2).await;
    assert_eq!(outcome, replaced(&current));
}
