//! The model: the simplest implementation of the repository port, in a map.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use todo_domain::{
    BulkOutcome, DeleteOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError,
    Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId,
    VersionMatch,
};

/// Todos in a map.
#[derive(Default)]
pub(crate) struct MemoryTodoRepository(Mutex<BTreeMap<(UserId, TodoId), Todo>>);

type Todos<'a> = MutexGuard<'a, BTreeMap<(UserId, TodoId), Todo>>;

impl MemoryTodoRepository {
    fn todos(&self) -> Todos<'_> {
        self.0.lock().unwrap()
    }
}

fn version_matches(todo: &Todo, versions: &VersionMatch) -> bool {
    match versions {
        VersionMatch::Any => true,
        VersionMatch::OneOf(versions) => versions.contains(&todo.version),
        VersionMatch::NoneOf(versions) => !versions.contains(&todo.version),
    }
}

fn matches(filter: &TodoFilter, user: UserId, todo: &Todo) -> bool {
    todo.user_id == user && filter.matches(todo)
}

#[async_trait]
impl TodoRepository for MemoryTodoRepository {
    async fn insert(
        &self,
        user: UserId,
        new: NewTodo,
        now: DateTime<Utc>,
    ) -> Result<Todo, RepositoryError> {
        let created = new.created(user, now);
        let mut todos = self.todos();
        let stored = todos.entry((user, created.id)).or_insert_with(|| created.clone());
        if *stored == created { Ok(created) } else { Err(RepositoryError::internal("taken")) }
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        Ok(self.todos().get(&(user, id)).cloned())
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        let PageQuery { filter, sort, after, limit } = query;
        let mut matching: Vec<_> =
            self.todos().values().filter(|todo| matches(&filter, user, todo)).cloned().collect();
        matching.sort_by(|a, b| sort.compare(sort.position_of(a), sort.position_of(b)));
        let comes_after = |todo: &Todo| {
            after.is_none_or(|after| sort.compare(sort.position_of(todo), after).is_gt())
        };
        Ok(matching.into_iter().filter(comes_after).take(limit as usize).collect())
    }

    async fn count(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, RepositoryError> {
        let todos = self.todos();
        let counted = || todos.values().filter(|todo| matches(&filter, user, todo));
        let completed = counted().filter(|todo| todo.is_completed).count() as u64;
        Ok(TodoCounts { total: counted().count() as u64, completed })
    }

    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError> {
        Ok(match self.todos().get_mut(&(user, id)) {
            None => UpdateOutcome::Absent,
            Some(todo) if !version_matches(todo, &versions) => {
                UpdateOutcome::Conflict(todo.clone())
            }
            Some(todo) => {
                todo.apply(patch, now);
                UpdateOutcome::Updated(todo.clone())
            }
        })
    }

    async fn put(
        &self,
        user: UserId,
        new: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let mut todos = self.todos();
        let stored = todos.get_mut(&(user, new.id()));
        Ok(match (stored, condition) {
            (None, PutCondition::Present(_)) => PutOutcome::Conflict(None),
            (None, PutCondition::Always | PutCondition::Absent | PutCondition::Unless(_)) => {
                let created = new.created(user, now);
                todos.insert((user, created.id), created.clone());
                PutOutcome::Created(created)
            }
            (Some(todo), PutCondition::Absent) => PutOutcome::Conflict(Some(todo.clone())),
            (Some(todo), PutCondition::Present(versions)) if !version_matches(todo, &versions) => {
                PutOutcome::Conflict(Some(todo.clone()))
            }
            (Some(todo), PutCondition::Unless(versions)) if versions.contains(&todo.version) => {
                PutOutcome::Conflict(Some(todo.clone()))
            }
            (
                Some(todo),
                PutCondition::Always | PutCondition::Present(_) | PutCondition::Unless(_),
            ) => {
                todo.apply(new.into_patch(), now);
                PutOutcome::Replaced(todo.clone())
            }
        })
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let mut todos = self.todos();
        Ok(match todos.get(&(user, id)) {
            None => DeleteOutcome::Absent,
            Some(todo) if !version_matches(todo, &versions) => {
                DeleteOutcome::Conflict(todo.clone())
            }
            Some(_) => {
                todos.remove(&(user, id));
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
        let mut changed = 0;
        for todo in self.todos().values_mut().filter(|todo| matches(&filter, user, todo)) {
            let version = todo.version;
            todo.apply(patch.clone(), now);
            changed += u64::from(todo.version > version);
        }
        Ok(BulkOutcome::Changed(changed))
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<BulkOutcome, RepositoryError> {
        let mut todos = self.todos();
        let before = todos.len();
        todos.retain(|_, todo| !matches(&filter, user, todo));
        Ok(BulkOutcome::Changed((before - todos.len()) as u64))
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        Ok(())
    }
}
