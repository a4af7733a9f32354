//! Unconditional PUT: creates a todo or replaces all of it, and is idempotent.

use todo_domain::{PutCondition, PutOutcome, Todo, VersionMatch};

use crate::fixtures::{
    Repository, all, at, completed, description, find, full_todo, id, insert, put, title, todo,
    update, user,
};

pub(crate) async fn a_todo_is_created_with_the_given_id(repository: Repository) {
    let user = user();
    let outcome =
        put(&repository, user, full_todo(7, "x", "y", true), PutCondition::Always, 0).await;
    let created = full_todo(7, "x", "y", true).created(user, at(0));
    assert_eq!(outcome, PutOutcome::Created(created.clone()));
    assert_eq!(repository.list(user, all()).await.unwrap().todos, [created]);
}

pub(crate) async fn a_todo_is_replaced_in_full(repository: Repository) {
    let user = user();
    insert(&repository, user, full_todo(1, "x", "y", true), 0).await;
    let other = insert(&repository, user, todo(2, "x"), 0).await;
    let outcome = put(&repository, user, todo(1, "new"), PutCondition::Always, 10).await;
    let replaced = Todo {
        title: title("new"),
        description: None,
        is_completed: false,
        completed_at: None,
        updated_at: at(10),
        version: 2,
        ..full_todo(1, "x", "y", true).created(user, at(0))
    };
    assert_eq!(outcome, PutOutcome::Replaced(replaced.clone()));
    assert_eq!(find(&repository, user, id(1)).await, Some(replaced.clone()));
    assert_eq!(find(&repository, user, id(2)).await, Some(other));

    let outcome =
        put(&repository, user, full_todo(1, "new", "", true), PutCondition::Always, 12).await;
    let replaced = Todo {
        description: Some(description("")),
        is_completed: true,
        completed_at: Some(at(12)),
        updated_at: at(12),
        version: 3,
        ..replaced
    };
    assert_eq!(outcome, PutOutcome::Replaced(replaced));
}

pub(crate) async fn putting_twice_changes_nothing(repository: Repository) {
    let user = user();
    for (number, new) in [todo(1, "x"), full_todo(2, "x", "", true), full_todo(3, "x", "y", false)]
        .into_iter()
        .enumerate()
    {
        let created = put(&repository, user, new.clone(), PutCondition::Always, 0).await;
        let PutOutcome::Created(created) = created else { panic!("{created:?}") };
        for microseconds in [1, -1] {
            let again =
                put(&repository, user, new.clone(), PutCondition::Always, microseconds).await;
            assert_eq!(again, PutOutcome::Replaced(created.clone()));
        }
        assert_eq!(find(&repository, user, new.id()).await, Some(created));
        assert_eq!(repository.list(user, all()).await.unwrap().todos.len(), number + 1);
    }
}

/// As by two clients, or by a client that retries, on a fast machine.
pub(crate) async fn putting_twice_within_a_microsecond_creates_once(repository: Repository) {
    let user = user();
    let first = put(&repository, user, todo(1, "x"), PutCondition::Always, 0).await;
    let PutOutcome::Created(todo_) = first else { panic!("{first:?}") };
    let second = put(&repository, user, todo(1, "x"), PutCondition::Always, 0).await;
    assert_eq!(second, PutOutcome::Replaced(todo_));
}

pub(crate) async fn a_put_on_a_changed_todo_is_a_change(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 0).await;
    update(&repository, user, id(1), completed(true), 1).await;
    let outcome = put(&repository, user, todo(1, "x"), PutCondition::Always, 2).await;
    let PutOutcome::Replaced(back) = outcome else { panic!("{outcome:?}") };
    assert_eq!((back.is_completed, back.version, back.updated_at), (false, 3, at(2)));
}

pub(crate) async fn a_put_after_the_clock_was_set_back_is_later_than_the_last_change(
    repository: Repository,
) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 100).await;
    for (condition, version, updated_at) in
        [(PutCondition::Always, 2, 101), (PutCondition::Present(VersionMatch::Any), 3, 102)]
    {
        let new = todo(1, &format!("title {version}"));
        let outcome = put(&repository, user, new, condition, 50).await;
        let PutOutcome::Replaced(todo) = outcome else { panic!("{outcome:?}") };
        assert_eq!(
            (todo.version, todo.created_at, todo.updated_at),
            (version, at(100), at(updated_at))
        );
    }
}
