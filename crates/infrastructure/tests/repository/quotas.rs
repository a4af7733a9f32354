//! Quotas: how many todos a user may have.

use futures_util::future::join_all;
use todo_domain::{InsertOutcome, PutCondition, PutOutcome, VersionMatch};

use crate::fixtures::{Repository, all, at, id, insert, todo, user};

pub(crate) async fn the_last_todo_that_a_quota_allows_is_created(repository: Repository) {
    let user = user();
    let quota = Some(2);
    let put =
        |number, quota| repository.put(user, todo(number, "x"), PutCondition::Always, quota, at(9));
    assert_eq!(
        repository.insert(user, todo(1, "x"), Some(0), at(0)).await.unwrap(),
        InsertOutcome::QuotaExceeded
    );
    insert(&repository, user, todo(1, "x"), 0).await;
    assert!(matches!(put(2, quota).await.unwrap(), PutOutcome::Created(_)));
    assert_eq!(put(3, quota).await.unwrap(), PutOutcome::QuotaExceeded);
    let inserted = repository.insert(user, todo(3, "x"), quota, at(9)).await.unwrap();
    assert_eq!(inserted, InsertOutcome::QuotaExceeded);
    // What exists can be replaced, and what is deleted makes room.
    assert!(matches!(put(2, quota).await.unwrap(), PutOutcome::Replaced(_)));
    repository.delete(user, id(1), VersionMatch::Any, at(9)).await.unwrap();
    assert!(matches!(put(1, quota).await.unwrap(), PutOutcome::Created(_)));
    assert_eq!(put(3, quota).await.unwrap(), PutOutcome::QuotaExceeded);
    // Another user's todos do not count.
    let other = self::user();
    let inserted = repository.insert(other, todo(3, "x"), quota, at(9)).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Inserted(_)), "{inserted:?}");
}

pub(crate) async fn racing_writers_do_not_exceed_a_quota(repository: Repository) {
    let user = user();
    let calls = (0..32_u128).map(|number| {
        let (repository, new) = (repository.clone(), todo(number, "x"));
        async move {
            if number % 2 == 0 {
                let outcome = repository.insert(user, new, Some(10), at(0)).await.unwrap();
                matches!(outcome, InsertOutcome::Inserted(_))
            } else {
                let put = repository.put(user, new, PutCondition::Always, Some(10), at(0));
                matches!(put.await.unwrap(), PutOutcome::Created(_))
            }
        }
    });
    let created = join_all(calls).await.into_iter().filter(|is_created| *is_created).count();
    assert_eq!(created, 10);
    assert_eq!(repository.list(user, all()).await.unwrap().todos.len(), 10);
}
