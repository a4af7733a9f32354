//! The order in which `/docs` shows the operations.

use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::extensions::ExtensionsBuilder;

use super::operations;

/// The ids of the operations in the order of the page. On an empty database, each succeeds with its examples after the
/// previous ones.
const ORDER: [&str; 17] = [
    "putTodo",
    "getTodo",
    "updateTodo",
    "createTodo",
    "listTodos",
    "todoStats",
    "listChanges",
    "streamEvents",
    "updateTodos",
    "deleteTodo",
    "deleteTodos",
    "listTags",
    "renameTag",
    "deleteTag",
    "whoAmI",
    "health",
    "ready",
];

/// Adds its position as `x-order` to every operation, because the document sorts operations by path.
pub(super) struct Order;

impl Modify for Order {
    fn modify(&self, document: &mut OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let id = operation.operation_id.as_deref();
            let position = ORDER.iter().position(|it| Some(*it) == id);
            operation.extensions =
                position.map(|position| ExtensionsBuilder::new().add("x-order", position).build());
        }
    }
}
