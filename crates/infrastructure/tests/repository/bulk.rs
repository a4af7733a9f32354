//! Bulk updates and deletions: they affect exactly the todos that match the filter, and count them.

use todo_domain::BulkOutcome::Changed;
use todo_domain::{SearchTerm, TodoCounts, TodoFilter, UserId};

use crate::fixtures::{
    Repository, at, by_completion, by_ids, by_search, completed, count, counts, find, full_todo,
    id, insert, insert_all, titles, update, user,
};

/// Three todos about tea, of which the second is completed, and two about coffee, of which the last is.
async fn drinks(repository: &Repository) -> UserId {
    let user = user();
    insert_all(repository, user, &["Tea one", "Tea two", "Tea three", "Coffee four"]).await;
    insert(repository, user, full_todo(5, "five", "about COFFEE", false), 5).await;
    for number in [2, 5] {
        update(repository, user, id(number), completed(true), 10).await;
    }
    user
}

fn completed_tea(is_completed: bool) -> TodoFilter {
    TodoFilter { search: SearchTerm::new("TEA").unwrap(), ..by_completion(is_completed) }
}

pub(crate) async fn a_bulk_update_completes_all_todos_and_counts_those_that_changed(
    repository: Repository,
) {
    let user = drinks(&repository).await;
    let all = TodoFilter::default();
    assert_eq!(
        repository.update_matching(user, all.clone(), completed(true), at(20)).await.unwrap(),
        Changed(3)
    );
    assert_eq!(count(&repository, user, TodoFilter::default()).await, counts(5, 5));
    assert_eq!(
        repository.update_matching(user, all.clone(), completed(true), at(21)).await.unwrap(),
        Changed(0)
    );
    assert_eq!(
        repository.update_matching(user, all, completed(false), at(22)).await.unwrap(),
        Changed(5)
    );
    assert_eq!(count(&repository, user, TodoFilter::default()).await, counts(5, 0));
}

pub(crate) async fn a_bulk_update_increments_versions_and_never_decreases_times(
    repository: Repository,
) {
    let user = drinks(&repository).await;
    repository.update_matching(user, by_search("tea"), completed(true), at(20)).await.unwrap();
    let one = find(&repository, user, id(1)).await.unwrap();
    assert_eq!(
        (one.is_completed, one.version, one.created_at, one.updated_at),
        (true, 2, at(1), at(20))
    );
    let two = find(&repository, user, id(2)).await.unwrap();
    assert_eq!((two.is_completed, two.version, two.updated_at), (true, 2, at(10)), "unchanged");
    // The clock was set back.
    repository.update_matching(user, by_search("tea"), completed(false), at(7)).await.unwrap();
    let two = find(&repository, user, id(2)).await.unwrap();
    assert_eq!((two.is_completed, two.version, two.updated_at), (false, 3, at(21)));
}

pub(crate) async fn a_bulk_update_changes_the_todos_that_match_the_filter(repository: Repository) {
    let user = drinks(&repository).await;
    let steps = [
        (by_completion(true), true, 0),
        (completed_tea(false), true, 2),
        (by_search("coffee"), false, 1),
        (completed_tea(true), false, 3),
        (by_search("nothing like it"), true, 0),
        (by_completion(false), true, 5),
        (by_completion(false), true, 0),
    ];
    for (step, (filter, is_completed, expected)) in steps.into_iter().enumerate() {
        let changed = repository
            .update_matching(user, filter, completed(is_completed), at(20))
            .await
            .unwrap();
        assert_eq!(changed, Changed(expected), "step {step}");
    }
}

pub(crate) async fn a_bulk_deletion_deletes_the_todos_that_match_the_filter(
    repository: Repository,
) {
    let user = drinks(&repository).await;
    let left = async || titles(&repository, user, TodoFilter::default()).await;
    assert_eq!(
        repository.delete_matching(user, completed_tea(true), at(50)).await.unwrap(),
        Changed(1)
    );
    assert_eq!(left().await, ["five", "Coffee four", "Tea three", "Tea one"]);
    assert_eq!(
        repository.delete_matching(user, by_search("coffee"), at(50)).await.unwrap(),
        Changed(2)
    );
    assert_eq!(left().await, ["Tea three", "Tea one"]);
    assert_eq!(
        repository.delete_matching(user, by_completion(true), at(50)).await.unwrap(),
        Changed(0)
    );
    assert_eq!(
        repository.delete_matching(user, by_completion(false), at(50)).await.unwrap(),
        Changed(2)
    );
    assert!(left().await.is_empty());
}

pub(crate) async fn bulk_changes_filtered_by_id_affect_only_these_todos(repository: Repository) {
    let (user, other) = (drinks(&repository).await, drinks(&repository).await);
    // The second is already completed, the last does not exist.
    let some = by_ids(&[1, 2, 2, 99]);
    assert_eq!(
        repository.update_matching(user, some.clone(), completed(true), at(20)).await.unwrap(),
        Changed(1)
    );
    let some_tea = TodoFilter { ids: by_ids(&[1, 4, 5]).ids, ..by_search("tea") };
    assert_eq!(repository.delete_matching(user, some_tea, at(50)).await.unwrap(), Changed(1));
    assert_eq!(repository.delete_matching(user, by_ids(&[99]), at(50)).await.unwrap(), Changed(0));
    assert_eq!(repository.delete_matching(user, some, at(50)).await.unwrap(), Changed(1));
    let left = titles(&repository, user, TodoFilter::default()).await;
    assert_eq!(left, ["five", "Coffee four", "Tea three"]);
    assert_eq!(titles(&repository, other, TodoFilter::default()).await.len(), 5);
}

pub(crate) async fn a_bulk_deletion_without_a_filter_deletes_all(repository: Repository) {
    let user = drinks(&repository).await;
    assert_eq!(
        repository.delete_matching(user, TodoFilter::default(), at(50)).await.unwrap(),
        Changed(5)
    );
    assert_eq!(count(&repository, user, TodoFilter::default()).await, TodoCounts::default());
    assert_eq!(
        repository.delete_matching(user, TodoFilter::default(), at(50)).await.unwrap(),
        Changed(0)
    );
}

pub(crate) async fn a_bulk_change_without_a_match_counts_none(repository: Repository) {
    let user = user();
    let all = TodoFilter::default();
    assert_eq!(
        repository.update_matching(user, all.clone(), completed(true), at(0)).await.unwrap(),
        Changed(0)
    );
    assert_eq!(repository.delete_matching(user, all, at(50)).await.unwrap(), Changed(0));
}
