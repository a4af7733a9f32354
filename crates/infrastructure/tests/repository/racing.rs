//! Races: many callers change the same todo at once, with the results of some sequential order.

use std::future::Future;
use std::sync::Arc;

use todo_domain::{
    DeleteOutcome, PutCondition, PutOutcome, Todo, UpdateOutcome, UserId, VersionMatch,
};
use tokio::task::JoinSet;

use crate::fixtures::{Repository, at, find, full_todo, id, insert, new_title, put, todo, user};

const CALLERS: i64 = 16;
const ROUNDS: i64 = 50;

/// Runs a call for each caller at once. The callers are numbered from 0.
async fn race<T, F>(call: impl Fn(Repository, i64) -> F, repository: &Repository) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let calls = (0..CALLERS).map(|caller| call(Arc::clone(repository), caller));
    calls.collect::<JoinSet<T>>().join_all().await
}

async fn update_if(
    repository: Repository,
    user: UserId,
    version: i64,
    caller: i64,
) -> UpdateOutcome {
    let (patch, versions) = (new_title(&format!("{caller}")), VersionMatch::OneOf(vec![version]));
    repository.update(user, id(1), patch, versions, at(version)).await.unwrap()
}

pub(crate) async fn of_writers_with_the_same_version_exactly_one_wins(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 0).await;
    for version in 1..=ROUNDS {
        let outcomes = race(
            // Each caller writes another text, which is not the current one.
            |repository, caller| update_if(repository, user, version, CALLERS * version + caller),
            &repository,
        )
        .await;
        let current = find(&repository, user, id(1)).await.unwrap();
        assert_eq!(current.version, version + 1);
        let (won, lost): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| matches!(outcome, UpdateOutcome::Updated(_)));
        assert_eq!(won, [UpdateOutcome::Updated(current.clone())]);
        assert!(lost.iter().all(|it| *it == UpdateOutcome::Conflict(current.clone())), "{lost:?}");
    }
}

/// Races of puts on unused ids. Returns what was created, and the other outcomes.
async fn puts(
    repository: &Repository,
    condition: PutCondition,
    text: fn(i64) -> String,
    time: fn(i64) -> i64,
) -> Vec<(Todo, Vec<PutOutcome>)> {
    let user = user();
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        let number = u128::from(round.unsigned_abs());
        let call = |repository, caller| {
            let (new, condition) = (full_todo(number, &text(caller), "y", true), condition.clone());
            async move { put(&repository, user, new, condition, time(caller)).await }
        };
        let (mut created, rest): (Vec<_>, Vec<_>) = race(call, repository)
            .await
            .into_iter()
            .partition(|outcome| matches!(outcome, PutOutcome::Created(_)));
        assert_eq!(created.len(), 1, "{created:?}");
        let Some(PutOutcome::Created(created)) = created.pop() else { unreachable!() };
        assert_eq!(find(repository, user, id(number)).await.as_ref(), Some(&created));
        rounds.push((created, rest));
    }
    rounds
}

pub(crate) async fn of_puts_if_absent_exactly_one_creates(repository: Repository) {
    let text = |caller| format!("by {caller}");
    for (created, lost) in puts(&repository, PutCondition::Absent, text, |caller| caller).await {
        assert_eq!(created.version, 1);
        assert!(
            lost.iter().all(|it| *it == PutOutcome::Conflict(Some(created.clone()))),
            "{lost:?}"
        );
    }
}

pub(crate) async fn of_puts_of_the_same_content_one_creates_and_none_changes(
    repository: Repository,
) {
    let text = |_| "the same".to_owned();
    for (created, others) in puts(&repository, PutCondition::Always, text, |caller| caller).await {
        assert_eq!(created.version, 1);
        assert!(others.iter().all(|it| *it == PutOutcome::Replaced(created.clone())), "{others:?}");
    }
}

pub(crate) async fn of_puts_of_the_same_content_and_time_one_creates(repository: Repository) {
    let text = |_| "the same".to_owned();
    for (created, others) in puts(&repository, PutCondition::Always, text, |_| 0).await {
        assert_eq!(created.version, 1);
        assert!(others.iter().all(|it| *it == PutOutcome::Replaced(created.clone())), "{others:?}");
    }
}

pub(crate) async fn among_puts_and_deletions_each_deletion_allows_one_creation(
    repository: Repository,
) {
    let user = user();
    for _ in 0..ROUNDS {
        // How each call changes the number of todos.
        let call = |repository: Repository, caller| async move {
            if caller % 2 == 0 {
                let outcome =
                    repository.delete(user, id(1), VersionMatch::Any, at(50)).await.unwrap();
                return if outcome == DeleteOutcome::Deleted { -1 } else { 0 };
            }
            match put(&repository, user, todo(1, "x"), PutCondition::Always, caller).await {
                PutOutcome::Created(_) => 1,
                // It was already as requested.
                PutOutcome::Replaced(_) => 0,
                outcome => panic!("{outcome:?}"),
            }
        };
        let sum: i32 = race(call, &repository).await.into_iter().sum();
        let is_left = repository.delete(user, id(1), VersionMatch::Any, at(50)).await.unwrap();
        assert_eq!(sum, i32::from(is_left == DeleteOutcome::Deleted));
    }
}

pub(crate) async fn no_unconditional_update_is_lost(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 0).await;
    for round in 0..ROUNDS / 10 {
        let call = |repository: Repository, caller| async move {
            let patch = new_title(&format!("{round} {caller}"));
            repository.update(user, id(1), patch, VersionMatch::Any, at(caller)).await.unwrap()
        };
        let mut versions: Vec<_> = race(call, &repository)
            .await
            .into_iter()
            .map(|outcome| match outcome {
                UpdateOutcome::Updated(todo) => todo.version,
                outcome => panic!("{outcome:?}"),
            })
            .collect();
        versions.sort_unstable();
        let first = 2 + CALLERS * round;
        assert_eq!(versions, (first..first + CALLERS).collect::<Vec<_>>());
    }
    // Each update has a time of its own.
    let last = find(&repository, user, id(1)).await.unwrap();
    assert!(last.updated_at >= at(last.version - 1), "{last:?}");
}

pub(crate) async fn of_deletions_exactly_one_deletes(repository: Repository) {
    let user = user();
    for versions in [VersionMatch::Any, VersionMatch::OneOf(vec![1])] {
        for _ in 0..ROUNDS / 5 {
            insert(&repository, user, todo(1, "x"), 0).await;
            let call = |repository: Repository, _| {
                let versions = versions.clone();
                async move { repository.delete(user, id(1), versions, at(50)).await.unwrap() }
            };
            let (removed, rest): (Vec<_>, Vec<_>) = race(call, &repository)
                .await
                .into_iter()
                .partition(|outcome| *outcome == DeleteOutcome::Deleted);
            assert_eq!(removed.len(), 1);
            assert!(rest.iter().all(|it| *it == DeleteOutcome::Absent), "{rest:?}");
        }
    }
}

pub(crate) async fn of_an_update_and_a_deletion_of_the_same_version_one_wins(
    repository: Repository,
) {
    let user = user();
    for round in 0..ROUNDS {
        insert(&repository, user, todo(1, "x"), 0).await;
        let remove = repository.delete(user, id(1), VersionMatch::OneOf(vec![1]), at(50));
        let update = update_if(Arc::clone(&repository), user, 1, round);
        let (updated, removed) = if round % 2 == 0 {
            tokio::join!(update, remove)
        } else {
            let (removed, updated) = tokio::join!(remove, update);
            (updated, removed)
        };
        match (updated, removed.unwrap()) {
            (UpdateOutcome::Updated(todo), DeleteOutcome::Conflict(current)) => {
                assert_eq!(todo, current);
                repository.delete(user, id(1), VersionMatch::Any, at(50)).await.unwrap();
            }
            (UpdateOutcome::Absent, DeleteOutcome::Deleted) => {}
            outcomes => panic!("{outcomes:?}"),
        }
    }
}
