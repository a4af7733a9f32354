//! The users of the sandbox. Their ids never change, so frontends can hard-code them.

use todo_domain::UserId;
use uuid::Uuid;

use super::long_list::a_thousand;
use super::todos::{SeedTodo, a_dozen};

/// A user of the sandbox.
#[derive(Debug)]
pub struct User {
    /// A name for people. The API only uses the id.
    pub name: &'static str,
    /// The value of `X-User-ID`.
    pub id: UserId,
    pub(super) todos: fn() -> Vec<SeedTodo>,
}

/// All users: one with a few todos, one with many, one with none.
pub const USERS: [User; 3] = [
    User {
        name: "Ada",
        id: UserId(Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111)),
        todos: a_dozen,
    },
    User {
        name: "Grace",
        id: UserId(Uuid::from_u128(0x2222_2222_2222_4222_8222_2222_2222_2222)),
        todos: a_thousand,
    },
    User {
        name: "Linus",
        id: UserId(Uuid::from_u128(0x3333_3333_3333_4333_8333_3333_3333_3333)),
        todos: Vec::new,
    },
];
