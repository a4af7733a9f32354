//! A client's copy of its user's todos.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use todo_domain::{Changes, SyncToken, Todo, TodoId, UserId};

use crate::{Repository, all};

/// A copy that is kept in step by the change feed, as the documents tell clients to.
#[derive(Debug, Default)]
pub(crate) struct Copy {
    pub(crate) todos: BTreeMap<TodoId, Todo>,
    token: Option<SyncToken>,
    /// In a synchronization from the start: the todos that the feed has not named yet.
    unnamed: BTreeSet<TodoId>,
}

impl Copy {
    /// Reads a page. Returns whether there is more to read.
    pub(crate) async fn read(&mut self, repository: &Repository, user: UserId, limit: u32) -> bool {
        if self.token.is_none() {
            // Also the first time, because the copy may have todos that this client has sent.
            self.unnamed = self.todos.keys().copied().collect();
        }
        let changes = repository.changes(user, self.token, limit).await.unwrap();
        let Some(Changes { items, deleted, next, has_more }) = changes else {
            assert!(self.token.is_some(), "only a token can expire");
            self.start_anew();
            return true;
        };
        let size = items.len() + deleted.len();
        assert!(size <= limit as usize && (size == limit as usize || !has_more), "{size}");
        for tombstone in deleted {
            self.todos.remove(&tombstone.id);
        }
        for todo in items {
            self.unnamed.remove(&todo.id);
            self.todos.insert(todo.id, todo);
        }
        self.token = Some(next);
        if !has_more {
            for id in mem::take(&mut self.unnamed) {
                self.todos.remove(&id);
            }
        }
        has_more
    }

    pub(crate) fn start_anew(&mut self) {
        self.token = None;
    }

    /// Reads to the end, and compares the copy with the table.
    pub(crate) async fn assert_in_step(&mut self, repository: &Repository, user: UserId) {
        while self.read(repository, user, 7).await {}
        let listed = repository.list(user, all()).await.unwrap().todos;
        let table: BTreeMap<_, _> = listed.into_iter().map(|todo| (todo.id, todo)).collect();
        assert_eq!(self.todos, table);
    }
}
