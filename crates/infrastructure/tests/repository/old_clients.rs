//! Clients that do not know priority, due time and tags: what they leave out stays as it is.

use todo_domain::{
    Priority, PutCondition, PutOutcome, TagsPatch, Todo, TodoPatch, UserId, VersionMatch,
};

use crate::fixtures::{
    Repository, at, due, find, full_todo, id, insert_with, put, tags, todo, user,
};

/// A user whose todo 1 has all fields.
async fn rich(repository: &Repository) -> (UserId, Todo) {
    let user = user();
    let fields = TodoPatch {
        priority: Some(Priority::High),
        due: Some(Some(due("2026-03-01"))),
        tags: Some(TagsPatch::Set(tags(&["home", "Garden"]))),
        ..TodoPatch::default()
    };
    let todo = insert_with(repository, user, 1, fields).await;
    (user, todo)
}

pub(crate) async fn a_put_without_the_new_fields_keeps_them(repository: Repository) {
    for condition in [
        PutCondition::Always,
        PutCondition::Present(VersionMatch::Any),
        PutCondition::Unless(vec![7]),
    ] {
        let (user, before) = rich(&repository).await;
        let new = full_todo(1, "new", "text", true);
        let outcome = put(&repository, user, new.clone(), condition.clone(), 10).await;
        let PutOutcome::Replaced(after) = outcome else { panic!("{outcome:?}") };
        assert_eq!((after.title.as_str(), after.version), ("new", 2));
        assert_eq!(
            (after.priority, after.due, &after.tags),
            (before.priority, before.due, &before.tags)
        );
        assert_eq!(find(&repository, user, id(1)).await.as_ref(), Some(&after));
        // Again: nothing changes.
        let clock = repository.changed_at(user).await.unwrap();
        let again = put(&repository, user, new, condition, 20).await;
        assert_eq!(again, PutOutcome::Replaced(after));
        assert_eq!(repository.changed_at(user).await.unwrap(), clock);
    }
}

pub(crate) async fn a_put_of_a_deleted_todo_has_the_defaults(repository: Repository) {
    let (user, _) = rich(&repository).await;
    repository.delete(user, id(1), VersionMatch::Any, at(10)).await.unwrap();
    let outcome = put(&repository, user, todo(1, "back"), PutCondition::Always, 20).await;
    let expected = Todo { version: 2, created_at: at(1), ..todo(1, "back").created(user, at(20)) };
    assert_eq!(outcome, PutOutcome::Created(expected.clone()));
    assert_eq!(
        (expected.priority, expected.due, expected.tags.is_empty()),
        (Priority::Medium, None, true)
    );
    assert_eq!(find(&repository, user, id(1)).await, Some(expected));
}
