//! The model: the simplest implementation of the repository port, in maps.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::owned::Owned;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use todo_domain::search::fold;
use todo_domain::{
    BulkOutcome, Changes, DeleteOutcome, DueBound, InsertOutcome, Listed, NewTodo, OwnerClock,
    PageQuery, PutCondition, PutOutcome, RepositoryError, SyncToken, TagCount, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

/// Todos in maps.
#[derive(Default)]
pub(crate) struct MemoryTodoRepository(Mutex<BTreeMap<UserId, Owned>>);

struct Users<'a>(MutexGuard<'a, BTreeMap<UserId, Owned>>);

impl Users<'_> {
    fn of(&mut self, user: UserId) -> &mut Owned {
        self.0.entry(user).or_default()
    }
}

impl MemoryTodoRepository {
    fn users(&self) -> Users<'_> {
        Users(self.0.lock().unwrap())
    }
}

#[async_trait]
impl TodoRepository for MemoryTodoRepository {
    async fn insert(
        &self,
        user: UserId,
        new: NewTodo,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<InsertOutcome, RepositoryError> {
        let mut users = self.users();
        let owned = users.of(user);
        if let Some(todo) = owned.todos.get(&new.id()) {
            let is_new = todo.is_new(&new);
            let inserted = InsertOutcome::Inserted(todo.clone());
            return is_new.then_some(inserted).ok_or_else(|| RepositoryError::internal("taken"));
        }
        if quota.is_some_and(|quota| owned.todos.len() >= quota as usize) {
            return Ok(InsertOutcome::QuotaExceeded);
        }
        let now = owned.tick(now);
        let created = new.created(user, now);
        owned.todos.insert(created.id, created.clone());
        Ok(InsertOutcome::Inserted(created))
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        Ok(self.users().of(user).todos.get(&id).cloned())
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Listed, RepositoryError> {
        let PageQuery { filter, sort, after, limit } = query;
        let mut users = self.users();
        let owned = users.of(user);
        let mut matching: Vec<_> =
            owned.todos.values().filter(|todo| filter.matches(todo)).cloned().collect();
        matching.sort_by(|a, b| sort.compare(&sort.position_of(a), &sort.position_of(b)));
        let comes_after = |todo: &Todo| {
            after.as_ref().is_none_or(|after| sort.compare(&sort.position_of(todo), after).is_gt())
        };
        let todos = matching.into_iter().filter(comes_after).take(limit as usize).collect();
        Ok(Listed { todos, changed_at: owned.changed_at })
    }

    async fn count(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DueBound,
    ) -> Result<TodoCounts, RepositoryError> {
        let mut users = self.users();
        let mut counts = TodoCounts::default();
        for todo in users.of(user).todos.values().filter(|todo| filter.matches(todo)) {
            counts.total += 1;
            if todo.is_completed {
                counts.completed += 1;
            } else {
                counts.overdue += u64::from(todo.due.is_some_and(|due| due.is_before(now)));
                counts.active_by_priority[usize::from(todo.priority.rank()) - 1] += 1;
            }
        }
        Ok(counts)
    }

    async fn tags(&self, user: UserId) -> Result<Vec<TagCount>, RepositoryError> {
        let mut names = BTreeMap::<_, Vec<String>>::new();
        for todo in self.users().of(user).todos.values() {
            for name in todo.tags.iter() {
                names.entry(fold(name).into_owned()).or_default().push(name.to_owned());
            }
        }
        let count = |names: Vec<String>| TagCount {
            count: names.len() as u64,
            name: names.into_iter().min().unwrap(),
        };
        Ok(names.into_values().map(count).collect())
    }

    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError> {
        let mut users = self.users();
        let owned = users.of(user);
        match owned.todos.get(&id) {
            None => return Ok(UpdateOutcome::Absent),
            Some(todo) if !versions.matches(todo.version) => {
                return Ok(UpdateOutcome::Conflict(todo.clone()));
            }
            Some(_) => {}
        }
        owned.update(id, &patch, now);
        Ok(UpdateOutcome::Updated(owned.todos[&id].clone()))
    }

    async fn put(
        &self,
        user: UserId,
        new: NewTodo,
        condition: PutCondition,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let mut users = self.users();
        let (owned, id) = (users.of(user), new.id());
        if let Some(todo) = owned.todos.get(&id) {
            if !condition.allows_replacing(todo.version) {
                return Ok(PutOutcome::Conflict(Some(todo.clone())));
            }
            owned.update(id, &new.into_patch(), now);
            return Ok(PutOutcome::Replaced(owned.todos[&id].clone()));
        }
        let tombstone = owned.tombstones.get(&id).copied();
        if !condition.allows_creating(tombstone.is_some()) {
            return Ok(PutOutcome::Conflict(None));
        }
        if quota.is_some_and(|quota| owned.todos.len() >= quota as usize) {
            return Ok(PutOutcome::QuotaExceeded);
        }
        owned.tombstones.remove(&id);
        let now = owned.tick(now);
        let created = match tombstone {
            Some(tombstone) => tombstone.revive(new, user, now),
            None => new.created(user, now),
        };
        owned.todos.insert(id, created.clone());
        Ok(PutOutcome::Created(created))
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let mut users = self.users();
        let owned = users.of(user);
        Ok(match owned.todos.get(&id) {
            None => DeleteOutcome::Absent,
            Some(todo) if !versions.matches(todo.version) => DeleteOutcome::Conflict(todo.clone()),
            Some(_) => {
                let now = owned.tick(now);
                owned.delete(id, now);
                DeleteOutcome::Deleted
            }
        })
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let mut users = self.users();
        let owned = users.of(user);
        let has_too_many = |todo: &Todo| {
            filter.matches(todo)
                && patch.tags.as_ref().is_some_and(|patch| todo.tags.patched(patch).is_err())
        };
        if owned.todos.values().any(has_too_many) {
            return Ok(BulkOutcome::TooManyTags);
        }
        let is_changed = |todo: &&mut Todo| filter.matches(todo) && todo.differs_from(&patch);
        let changed = owned.todos.values_mut().filter(is_changed).count();
        if changed > 0 {
            let now = owned.tick(now);
            let changed = owned.todos.values_mut().filter(is_changed);
            changed.for_each(|todo| todo.apply(patch.clone(), now));
        }
        Ok(BulkOutcome::Changed(changed as u64))
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let mut users = self.users();
        let owned = users.of(user);
        let matching = owned.todos.values().filter(|todo| filter.matches(todo));
        let ids: Vec<_> = matching.map(|todo| todo.id).collect();
        if !ids.is_empty() {
            let now = owned.tick(now);
            for id in &ids {
                owned.delete(*id, now);
            }
        }
        Ok(BulkOutcome::Changed(ids.len() as u64))
    }

    async fn changes(
        &self,
        user: UserId,
        since: Option<SyncToken>,
        limit: u32,
    ) -> Result<Option<Changes>, RepositoryError> {
        let mut users = self.users();
        let owned = users.of(user);
        let clock = owned.clock();
        let Some(start) = clock.start(since) else { return Ok(None) };
        let (after, tombstones_after) = (start.position, start.tombstones_after());
        let mut todos: Vec<_> = owned.todos.values().cloned().collect();
        todos.retain(|todo| (todo.updated_at, todo.id) > (after.at, after.id));
        todos.sort_by_key(|todo| (todo.updated_at, todo.id));
        let mut deleted: Vec<_> = owned.tombstones.values().copied().collect();
        deleted.retain(|it| (it.deleted_at, it.id) > (tombstones_after.at, tombstones_after.id));
        deleted.sort_by_key(|it| (it.deleted_at, it.id));
        Ok(Some(clock.changes(start, todos, deleted, limit as usize)))
    }

    async fn clock(&self, user: UserId) -> Result<OwnerClock, RepositoryError> {
        Ok(self.users().of(user).clock())
    }

    async fn changed_at(&self, user: UserId) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        Ok(self.users().of(user).changed_at)
    }

    async fn changed_at_of(
        &self,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, DateTime<Utc>)>, RepositoryError> {
        let mut owners = self.users();
        let changed_at = |user| owners.of(user).changed_at.map(|at| (user, at));
        Ok(users.into_iter().filter_map(changed_at).collect())
    }

    async fn begin_purge(
        &self,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        Ok(true)
    }

    async fn purge(
        &self,
        before: DateTime<Utc>,
        _: Option<UserId>,
    ) -> Result<Option<UserId>, RepositoryError> {
        for owned in self.users().0.values_mut() {
            let count = owned.tombstones.len();
            owned.tombstones.retain(|_, it| it.deleted_at >= before);
            if owned.tombstones.len() < count {
                let after_last_change = owned.changed_at.map(|it| it + TimeDelta::microseconds(1));
                owned.purged_at = owned.purged_at.max(after_last_change.min(Some(before)));
            }
        }
        Ok(None)
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        Ok(())
    }
}
