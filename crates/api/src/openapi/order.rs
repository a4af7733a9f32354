//! The order in which the operations are shown.

use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::extensions::ExtensionsBuilder;

use super::operations;

/// The ids of the operations from top to bottom of the page. On an empty database each succeeds with its examples, after
/// those before it.
const ORDER: [&str; 11] = [
    "putTodo",
    "getTodo",
    "updateTodo",
    "createTodo",
    "listTodos",
    "todoStats",
    "updateTodos",
    "deleteTodo",
    "deleteTodos",
    "health",
    "ready",
];

/// Adds to every operation its place as `x-order`. A description sorts them by path, which is no order to try them in.
pub(super) struct Order;

impl Modify for Order {
    fn modify(&self, document: &mut OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let place = ORDER.iter().position(|id| Some(*id) == operation.operation_id.as_deref());
            let order = place.map(|place| ExtensionsBuilder::new().add("x-order", place).build());
            operation.extensions = order;
        }
    }
}
