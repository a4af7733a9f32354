//! Tombstones: how a deleted todo is put back, and how tombstones are purged.

use todo_domain::{
    BulkOutcome, DeleteOutcome, PutCondition, PutOutcome, Todo, TodoFilter, UserId, VersionMatch,
};

use crate::fixtures::{
    Repository, at, completed, find, full_todo, id, insert, put, todo, update, user,
};

/// A user whose todo 2 of 3 has been deleted at [`at`] 10, in its version 2.
async fn deleted(repository: &Repository) -> UserId {
    let user = user();
    for number in 1..=3 {
        insert(repository, user, todo(number, "x"), i64::try_from(number).unwrap()).await;
    }
    update(repository, user, id(2), completed(true), 5).await;
    let deleted = repository.delete(user, id(2), VersionMatch::Any, at(10)).await.unwrap();
    assert_eq!(deleted, DeleteOutcome::Deleted);
    user
}

pub(crate) async fn a_deleted_todo_is_put_back_in_its_old_place_with_the_next_version(
    repository: Repository,
) {
    for condition in [PutCondition::Always, PutCondition::Unless(vec![2, 3])] {
        let user = deleted(&repository).await;
        let new = full_todo(2, "back", "again", true);
        let revived = Todo { version: 3, created_at: at(2), ..new.clone().created(user, at(20)) };
        let outcome = put(&repository, user, new.clone(), condition, 20).await;
        assert_eq!(outcome, PutOutcome::Created(revived.clone()));
        assert_eq!(find(&repository, user, id(2)).await, Some(revived.clone()));
        let again = put(&repository, user, new, PutCondition::Always, 30).await;
        assert_eq!(again, PutOutcome::Replaced(revived));
        // The versions go on however often it is deleted.
        for version in 4..=6 {
            repository.delete(user, id(2), VersionMatch::Any, at(40)).await.unwrap();
            let outcome = put(&repository, user, todo(2, "x"), PutCondition::Always, 40).await;
            let PutOutcome::Created(todo) = outcome else { panic!("{outcome:?}") };
            assert_eq!((todo.version, todo.created_at), (version, at(2)));
        }
        // Also after a bulk call.
        let all = repository.delete_matching(user, TodoFilter::default(), at(90)).await.unwrap();
        assert_eq!(all, BulkOutcome::Changed(3));
        let outcome = put(&repository, user, todo(2, "x"), PutCondition::Always, 91).await;
        let PutOutcome::Created(todo) = outcome else { panic!("{outcome:?}") };
        assert_eq!((todo.version, todo.created_at), (7, at(2)));
    }
}

pub(crate) async fn if_absent_does_not_revive_a_deleted_todo(repository: Repository) {
    let user = deleted(&repository).await;
    let before = repository.changed_at(user).await.unwrap();
    let outcome = put(&repository, user, todo(2, "x"), PutCondition::Absent, 20).await;
    assert_eq!(outcome, PutOutcome::Conflict(None));
    assert_eq!(find(&repository, user, id(2)).await, None);
    assert_eq!(repository.changed_at(user).await.unwrap(), before);
    // Another user's tombstone does not matter.
    let outcome = put(&repository, self::user(), todo(2, "x"), PutCondition::Absent, 20).await;
    assert!(matches!(outcome, PutOutcome::Created(_)), "{outcome:?}");
}

pub(crate) async fn a_condition_on_an_existing_todo_does_not_revive_a_deleted_one(
    repository: Repository,
) {
    let user = deleted(&repository).await;
    for versions in [VersionMatch::Any, VersionMatch::OneOf(vec![2])] {
        let condition = PutCondition::Present(versions);
        let outcome = put(&repository, user, todo(2, "x"), condition, 20).await;
        assert_eq!(outcome, PutOutcome::Conflict(None));
    }
    assert_eq!(find(&repository, user, id(2)).await, None);
}

pub(crate) async fn a_purged_todo_is_created_anew(repository: Repository) {
    let user = deleted(&repository).await;
    assert_eq!(repository.purge(at(11), None).await.unwrap(), None);
    let outcome = put(&repository, user, todo(2, "x"), PutCondition::Absent, 20).await;
    assert_eq!(outcome, PutOutcome::Created(todo(2, "x").created(user, at(20))));
}

pub(crate) async fn a_purge_takes_many_steps_and_leaves_later_deletions(repository: Repository) {
    const OWNERS: u128 = 3;
    const TODOS: u128 = 400;
    let mut users = Vec::new();
    for _ in 0..OWNERS {
        let user = user();
        for number in 1..=TODOS {
            insert(&repository, user, todo(number, "x"), i64::try_from(number).unwrap()).await;
        }
        repository.delete_matching(user, TodoFilter::default(), at(1_000)).await.unwrap();
        insert(&repository, user, todo(9_999, "later"), 1_500).await;
        repository.delete(user, id(9_999), VersionMatch::Any, at(2_000)).await.unwrap();
        users.push(user);
    }
    let (mut steps, mut from) = (1, None);
    while let Some(next) = repository.purge(at(1_001), from).await.unwrap() {
        assert!(Some(next) >= from, "the owners come in order");
        (from, steps) = (Some(next), steps + 1);
    }
    assert!(steps > 2, "{steps} steps");
    for user in users {
        let left = repository.changes(user, None, 200).await.unwrap().unwrap();
        assert_eq!(left.items, []);
        let is_deleted = |number| {
            let repository = repository.clone();
            async move {
                let put = put(&repository, user, todo(number, "x"), PutCondition::Absent, 3_000);
                put.await == PutOutcome::Conflict(None)
            }
        };
        assert!(!is_deleted(1).await && !is_deleted(TODOS).await);
        assert!(is_deleted(9_999).await);
    }
}

pub(crate) async fn a_purge_begins_once_in_an_interval(repository: Repository) {
    let begin = |not_since, now| repository.begin_purge(at(not_since), at(now));
    assert!(begin(-100, 0).await.unwrap(), "none has ever begun");
    assert!(!begin(-100, 0).await.unwrap());
    assert!(!begin(-1, 99).await.unwrap());
    assert!(begin(0, 100).await.unwrap());
    assert!(!begin(99, 199).await.unwrap());
}
