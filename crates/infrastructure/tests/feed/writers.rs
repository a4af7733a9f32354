//! Writers of every kind, which change the same todos.

use chrono::TimeDelta;
use todo_domain::{
    Clock, PutCondition, SystemClock, TodoFilter, TodoId, TodoPatch, UserId, VersionMatch,
};
use uuid::Uuid;

use crate::{Repository, completed, id, todo};

/// How many ids the writers share.
const SHARED_IDS: u64 = 40;

/// How many kinds of calls there are.
const KINDS: u64 = 9;

/// Numbers that look random, and are the same on every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn id(&mut self) -> TodoId {
        id(self.below(SHARED_IDS))
    }

    fn ids(&mut self) -> TodoFilter {
        TodoFilter { ids: (0..10).map(|_| self.id()).collect(), ..TodoFilter::default() }
    }
}

/// Makes this many calls, by a clock that is ahead of others.
pub(crate) async fn write(
    repository: &Repository,
    user: UserId,
    numbers: &mut Numbers,
    calls: usize,
    ahead: TimeDelta,
) {
    for call in 0..calls {
        let (id, now) = (numbers.id(), SystemClock.now() + ahead);
        let new = todo(id, &format!("{call} {}", numbers.0), numbers.below(2) == 0);
        let patch = || TodoPatch { ..new.clone().into_patch() };
        match numbers.below(KINDS) {
            0 | 1 => {
                let new = todo(TodoId(Uuid::now_v7()), "new", false);
                drop(repository.insert(user, new, None, now).await.unwrap());
            }
            2 => drop(repository.put(user, new, PutCondition::Always, None, now).await.unwrap()),
            3 => drop(repository.put(user, new, PutCondition::Absent, None, now).await.unwrap()),
            4 => {
                drop(repository.update(user, id, patch(), VersionMatch::Any, now).await.unwrap());
            }
            5 => {
                if let Some(todo) = repository.find(user, id).await.unwrap() {
                    let versions = VersionMatch::OneOf(vec![todo.version]);
                    drop(repository.update(user, id, patch(), versions, now).await.unwrap());
                }
            }
            6 => drop(repository.delete(user, id, VersionMatch::Any, now).await.unwrap()),
            7 => {
                let patch = completed(numbers.below(2) == 0);
                repository.update_matching(user, numbers.ids(), patch, now).await.unwrap();
            }
            _ => {
                repository.delete_matching(user, numbers.ids(), now).await.unwrap();
            }
        }
    }
}
