//! Writes the sample data to a repository. Todos are created and completed by the usual calls, with a clock set to the
//! past.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use todo_domain::{
    Clock, Description, NewTodo, PutCondition, Tag, Tags, TagsPatch, Title, TodoId, TodoPatch,
    TodoRepository, TodoService, VersionMatch,
};

use super::todos::SeedTodo;
use super::users::{USERS, User};

/// Writes the todos of all users, with times relative to `now`.
///
/// # Errors
/// If the repository fails.
pub async fn seed(repository: Arc<dyn TodoRepository>, now: DateTime<Utc>) -> anyhow::Result<()> {
    let clock = Arc::new(ManualClock(Mutex::new(now)));
    let service = TodoService::new(repository, Arc::clone(&clock) as Arc<dyn Clock>);
    for user in &USERS {
        let todos = (user.todos)();
        for (ago, event) in events(&todos)? {
            clock.set(now - ago);
            apply(event, user, &service, now).await.context("cannot create the sample data")?;
        }
    }
    Ok(())
}

/// An event in the history of a todo.
enum Event<'a> {
    Created(&'a SeedTodo),
    Completed(&'a SeedTodo),
}

/// The history of the todos in chronological order: how long ago each event happened, and the event.
fn events(todos: &[SeedTodo]) -> anyhow::Result<Vec<(TimeDelta, Event<'_>)>> {
    let mut events = Vec::new();
    for todo in todos {
        events.push((TimeDelta::from_std(todo.created)?, Event::Created(todo)));
        if let Some(completed) = todo.completed {
            events.push((TimeDelta::from_std(completed)?, Event::Completed(todo)));
        }
    }
    events.sort_by(|(a, _), (b, _)| b.cmp(a));
    Ok(events)
}

async fn apply(
    event: Event<'_>,
    user: &User,
    service: &TodoService,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    match event {
        Event::Created(todo) => {
            let description = todo.description.as_ref().map(Description::new).transpose()?;
            let tags = todo.tags.iter().map(|tag| Tag::new(tag)).collect::<Result<_, _>>()?;
            let others = TodoPatch {
                description: Some(description),
                priority: Some(todo.priority),
                due: Some(todo.due.map(|due| due.due(now))),
                tags: Some(TagsPatch::Set(Tags::new(tags)?)),
                ..TodoPatch::default()
            };
            let todo = NewTodo::new(TodoId(todo.id), Title::new(&todo.title)?, others);
            service.put(user.id, todo, PutCondition::Always).await?;
        }
        Event::Completed(todo) => {
            let patch = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
            service.update(user.id, TodoId(todo.id), patch, VersionMatch::Any).await?;
        }
    }
    Ok(())
}

/// A clock that shows the time it was set to.
struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        let now = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.trunc_subsecs(6)
    }
}
