//! The heart of the todo service: what a todo is, which rules it obeys, and what can be done with it.
//!
//! This crate knows no framework: no HTTP, no SQL, no serialization. The outside reaches it through
//! [`TodoService`]; it reaches the outside through two ports, [`TodoRepository`] and [`Clock`].
//!
//! | room | what it holds |
//! |---|---|
//! | [`mod@todo`] | the entity, and what creates, changes or replaces it |
//! | [`id`] | [`TodoId`] and [`UserId`] |
//! | [`text`] | [`Title`] and [`Description`]: texts that cannot be made wrong |
//! | [`search`] | case folding: what "case-insensitive" means, on every database |
//! | [`listing`] | filters, sort orders, pages |
//! | [`repository`] | the port that the database adapters implement |
//! | [`clock`] | the port that tells the time |
//! | [`service`] | the use cases |
//! | [`error`] | what a use case can fail with |

pub mod clock;
pub mod error;
pub mod id;
pub mod listing;
pub mod repository;
pub mod search;
pub mod service;
pub mod text;
pub mod todo;

pub use clock::{Clock, SystemClock};
pub use error::TodoError;
pub use id::{TodoId, UserId};
pub use listing::{Page, PageQuery, Position, Sort, SortKey, TodoCounts, TodoFilter};
pub use repository::{
    BulkOutcome, DeleteOutcome, PutCondition, PutOutcome, RepositoryError, TodoRepository,
    UpdateOutcome, VersionMatch,
};
pub use search::SearchTerm;
pub use service::TodoService;
pub use text::{Description, Title};
pub use todo::{NewTodo, Todo, TodoPatch};

#[cfg(any(test, feature = "mock"))]
pub use {clock::MockClock, repository::MockTodoRepository};
