//! The time of completion, whichever call completes a todo.

use todo_domain::{PutCondition, TodoFilter};

use crate::fixtures::{
    Repository, at, by_ids, completed, find, full_todo, id, insert, new_title, put, todo, update,
    user,
};

pub(crate) async fn a_todo_created_as_completed_was_completed_then(repository: Repository) {
    let user = user();
    insert(&repository, user, full_todo(1, "x", "", true), 1).await;
    put(&repository, user, full_todo(2, "x", "", true), PutCondition::Always, 2).await;
    put(&repository, user, full_todo(3, "x", "", true), PutCondition::Absent, 3).await;
    insert(&repository, user, todo(4, "x"), 4).await;
    for (number, expected) in [(1, Some(at(1))), (2, Some(at(2))), (3, Some(at(3))), (4, None)] {
        assert_eq!(find(&repository, user, id(number)).await.unwrap().completed_at, expected);
    }
}

pub(crate) async fn only_a_change_of_the_state_changes_the_time_of_completion(
    repository: Repository,
) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 0).await;
    for (patch, microseconds, expected) in [
        (completed(true), 1, Some(at(1))),
        (completed(true), 2, Some(at(1))),
        (new_title("y"), 3, Some(at(1))),
        (completed(false), 4, None),
        (completed(false), 5, None),
        (completed(true), 6, Some(at(6))),
        (completed(false), 7, None),
        // The clock was set back.
        (completed(true), 6, Some(at(8))),
    ] {
        let updated = update(&repository, user, id(1), patch, microseconds).await;
        assert_eq!(updated.completed_at, expected);
        assert_eq!(find(&repository, user, id(1)).await, Some(updated));
    }
}

pub(crate) async fn puts_and_bulk_updates_change_it_by_the_same_rule(repository: Repository) {
    let user = user();
    let state = |is_completed| full_todo(1, "x", "", is_completed);
    insert(&repository, user, todo(1, "x"), 0).await;
    let completed_at = async || find(&repository, user, id(1)).await.unwrap().completed_at;
    for (is_completed, microseconds, expected) in
        [(true, 1, Some(at(1))), (true, 2, Some(at(1))), (false, 3, None), (true, 4, Some(at(4)))]
    {
        put(&repository, user, state(is_completed), PutCondition::Always, microseconds).await;
        assert_eq!(completed_at().await, expected);
    }
    for (is_completed, microseconds, expected) in
        [(true, 5, Some(at(4))), (false, 6, None), (true, 7, Some(at(7)))]
    {
        let (filter, patch) = (by_ids(&[1]), completed(is_completed));
        repository.update_matching(user, filter, patch, at(microseconds)).await.unwrap();
        assert_eq!(completed_at().await, expected);
    }
    let all = TodoFilter::default();
    repository.update_matching(user, all, completed(false), at(8)).await.unwrap();
    assert_eq!(completed_at().await, None);
}
