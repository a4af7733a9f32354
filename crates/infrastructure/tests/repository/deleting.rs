//! Deletions, with and without a condition.

use todo_domain::{DeleteOutcome, TodoFilter, VersionMatch};

use crate::fixtures::{
    Repository, at, completed, find, id, insert, insert_all, titles, todo, update, user,
};

fn one_of(versions: &[i64]) -> VersionMatch {
    VersionMatch::OneOf(versions.to_vec())
}

pub(crate) async fn a_deleted_todo_is_gone_and_the_others_are_not(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["one", "two", "three"]).await;
    let outcome = repository.delete(user, id(2), VersionMatch::Any, at(50)).await.unwrap();
    assert_eq!(outcome, DeleteOutcome::Deleted);
    assert_eq!(find(&repository, user, id(2)).await, None);
    assert_eq!(titles(&repository, user, TodoFilter::default()).await, ["three", "one"]);
    let again = repository.delete(user, id(2), VersionMatch::Any, at(50)).await.unwrap();
    assert_eq!(again, DeleteOutcome::Absent);
}

pub(crate) async fn an_absent_todo_is_not_deleted(repository: Repository) {
    let outcome = repository.delete(user(), id(1), VersionMatch::Any, at(50)).await.unwrap();
    assert_eq!(outcome, DeleteOutcome::Absent);
}

pub(crate) async fn a_matching_version_is_deleted(repository: Repository) {
    let user = user();
    for versions in [vec![2], vec![1, 2, 3]] {
        insert(&repository, user, todo(1, "x"), 0).await;
        update(&repository, user, id(1), completed(true), 1).await;
        let outcome = repository.delete(user, id(1), one_of(&versions), at(50)).await.unwrap();
        assert_eq!(outcome, DeleteOutcome::Deleted);
        assert_eq!(find(&repository, user, id(1)).await, None);
    }
}

pub(crate) async fn another_version_is_a_conflict_and_is_not_deleted(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 0).await;
    let current = update(&repository, user, id(1), completed(true), 1).await;
    for versions in [vec![1], vec![0, 1, 3]] {
        let outcome = repository.delete(user, id(1), one_of(&versions), at(50)).await.unwrap();
        assert_eq!(outcome, DeleteOutcome::Conflict(current.clone()));
    }
    assert_eq!(find(&repository, user, id(1)).await, Some(current));
}

pub(crate) async fn an_empty_list_of_versions_deletes_nothing(repository: Repository) {
    let user = user();
    let current = insert(&repository, user, todo(1, "x"), 0).await;
    let outcome = repository.delete(user, id(1), one_of(&[]), at(50)).await.unwrap();
    assert_eq!(outcome, DeleteOutcome::Conflict(current.clone()));
    assert_eq!(find(&repository, user, id(1)).await, Some(current));
}

pub(crate) async fn an_absent_todo_matches_no_version_to_delete(repository: Repository) {
    for versions in [vec![], vec![1]] {
        let outcome = repository.delete(user(), id(1), one_of(&versions), at(50)).await.unwrap();
        assert_eq!(outcome, DeleteOutcome::Absent);
    }
}
