//! Updates on the condition that the todo has a matching version.

use todo_domain::{DeleteOutcome, Todo, TodoPatch, UpdateOutcome, UserId, VersionMatch};

use crate::fixtures::{Repository, at, completed, find, id, insert, new_title, todo, update, user};

/// A user with todo 1 at version 2.
async fn at_version_2(repository: &Repository) -> (UserId, Todo) {
    let user = user();
    insert(repository, user, todo(1, "first"), 0).await;
    (user, update(repository, user, id(1), new_title("second"), 1).await)
}

async fn update_if(
    repository: &Repository,
    user: UserId,
    patch: TodoPatch,
    versions: &[i64],
) -> UpdateOutcome {
    let versions = VersionMatch::OneOf(versions.to_vec());
    repository.update(user, id(1), patch, versions, at(2)).await.unwrap()
}

pub(crate) async fn a_matching_version_is_updated(repository: Repository) {
    let (user, _) = at_version_2(&repository).await;
    let outcome = update_if(&repository, user, new_title("third"), &[2]).await;
    let UpdateOutcome::Updated(todo) = outcome else { panic!("{outcome:?}") };
    assert_eq!((todo.title.as_str(), todo.version, todo.updated_at), ("third", 3, at(2)));
    assert_eq!(find(&repository, user, id(1)).await, Some(todo));
}

pub(crate) async fn one_matching_version_of_many_is_enough(repository: Repository) {
    let (user, _) = at_version_2(&repository).await;
    for (versions, version) in [(vec![1, 2], 3), (vec![3, i64::MAX, 3], 4), ((0..500).collect(), 5)]
    {
        let patch = new_title(&format!("title {version}"));
        let outcome = update_if(&repository, user, patch, &versions).await;
        assert!(matches!(outcome, UpdateOutcome::Updated(todo) if todo.version == version));
    }
}

pub(crate) async fn another_version_is_a_conflict_that_returns_the_todo(repository: Repository) {
    let (user, current) = at_version_2(&repository).await;
    for versions in [vec![1], vec![3], vec![1, 3, i64::MIN, i64::MAX]] {
        let outcome = update_if(&repository, user, completed(true), &versions).await;
        assert_eq!(outcome, UpdateOutcome::Conflict(current.clone()));
        assert_eq!(find(&repository, user, id(1)).await.as_ref(), Some(&current));
    }
}

pub(crate) async fn an_empty_list_of_versions_matches_none(repository: Repository) {
    let (user, current) = at_version_2(&repository).await;
    let outcome = update_if(&repository, user, completed(true), &[]).await;
    assert_eq!(outcome, UpdateOutcome::Conflict(current.clone()));
    assert_eq!(find(&repository, user, id(1)).await, Some(current));
}

pub(crate) async fn an_excluded_version_is_a_conflict_and_any_other_is_updated(
    repository: Repository,
) {
    let (user, current) = at_version_2(&repository).await;
    let update_unless = async |versions: &[i64]| {
        let versions = VersionMatch::NoneOf(versions.to_vec());
        repository.update(user, id(1), completed(true), versions, at(2)).await.unwrap()
    };
    for versions in [vec![2], vec![1, 2]] {
        assert_eq!(update_unless(&versions).await, UpdateOutcome::Conflict(current.clone()));
    }
    assert_eq!(find(&repository, user, id(1)).await, Some(current));
    for versions in [vec![1, 3], vec![]] {
        let outcome = update_unless(&versions).await;
        assert!(matches!(outcome, UpdateOutcome::Updated(todo) if todo.version == 3));
    }
    let unwanted = VersionMatch::NoneOf(vec![3]);
    let outcome = repository.delete(user, id(1), unwanted.clone(), at(50)).await.unwrap();
    assert!(matches!(outcome, DeleteOutcome::Conflict(todo) if todo.version == 3));
    let outcome =
        repository.delete(user, id(1), VersionMatch::NoneOf(vec![2]), at(50)).await.unwrap();
    assert_eq!(outcome, DeleteOutcome::Deleted);
    assert_eq!(
        repository.delete(user, id(1), unwanted, at(50)).await.unwrap(),
        DeleteOutcome::Absent
    );
}

pub(crate) async fn an_absent_todo_matches_no_version(repository: Repository) {
    let user = user();
    for versions in [vec![], vec![0], vec![1]] {
        let outcome = update_if(&repository, user, completed(true), &versions).await;
        assert_eq!(outcome, UpdateOutcome::Absent);
    }
}

pub(crate) async fn another_version_is_a_conflict_even_if_nothing_would_change(
    repository: Repository,
) {
    let (user, current) = at_version_2(&repository).await;
    let outcome = update_if(&repository, user, new_title("second"), &[1]).await;
    assert_eq!(outcome, UpdateOutcome::Conflict(current.clone()));
    let outcome = update_if(&repository, user, new_title("second"), &[2]).await;
    assert_eq!(outcome, UpdateOutcome::Updated(current));
}
