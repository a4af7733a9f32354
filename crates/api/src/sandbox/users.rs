//! Who has todos in the sandbox. The ids never change: a frontend may have them in its code.

use todo_domain::UserId;
use uuid::Uuid;

use super::long_list::a_thousand;
use super::todos::{SeedTodo, a_dozen};

/// A user of the sandbox.
#[derive(Debug)]
pub struct User {
    /// A name for people; the API knows the id only.
    pub name: &'static str,
    /// The value of `X-User-ID`.
    pub id: UserId,
    pub(super) todos: fn() -> Vec<SeedTodo>,
}

/// All of them: one has a few todos, one many, one none.
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
