//! Generates random calls. They use few users, ids and times, so that calls affect each other.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use todo_domain::search::fold;
use todo_domain::{
    DueBound, KeyValue, Moment, NewTodo, Position, PutCondition, Sort, SortKey, TodoFilter, TodoId,
    TodoPatch, VersionMatch,
};
use uuid::Uuid;

use crate::fields::{bound, due, moment, priority, tag, tags_patch};
use crate::system::at;
use crate::texts::{description, term, title};

/// A call on behalf of one of the users.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The index of the user.
    pub(crate) user: usize,
    /// How many microseconds the clock advances before the call. May be zero or negative.
    pub(crate) tick: i64,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Insert(NewTodo, Option<u32>),
    Find(TodoId),
    /// All pages of a list, by keyset pagination.
    List {
        filter: TodoFilter,
        sort: Sort,
        limit: u32,
    },
    /// One page after a position, at which there may be a todo.
    ListAfter {
        filter: TodoFilter,
        sort: Sort,
        after: Position,
    },
    Count(TodoFilter, Moment),
    Tags,
    Update(TodoId, TodoPatch, VersionMatch),
    Put(NewTodo, PutCondition, Option<u32>),
    Delete(TodoId, VersionMatch),
    UpdateMatching(TodoFilter, TodoPatch),
    DeleteMatching(TodoFilter),
    /// The changes after one of the user's tokens, or all, if there is no such token.
    Changes {
        token: usize,
        limit: u32,
    },
    Purge {
        microseconds: i64,
    },
}

fn quota() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![6 => Just(None), 1 => (0..6_u32).prop_map(Some)]
}

fn id() -> impl Strategy<Value = TodoId> {
    // Differ in the first and the last bits, which signed or byte-swapped comparisons would order differently.
    (0..4_u128, 0..2_u128).prop_map(|(low, high)| TodoId(Uuid::from_u128(high << 127 | low)))
}

fn new_todo() -> impl Strategy<Value = NewTodo> {
    (id(), title(), patch()).prop_map(|(id, title, others)| NewTodo::new(id, title, others))
}

fn versions() -> impl Strategy<Value = VersionMatch> {
    let some = || proptest::collection::vec(1..6_i64, 0..3);
    prop_oneof![
        Just(VersionMatch::Any),
        some().prop_map(VersionMatch::OneOf),
        some().prop_map(VersionMatch::NoneOf),
    ]
}

fn condition() -> impl Strategy<Value = PutCondition> {
    prop_oneof![
        2 => Just(PutCondition::Always),
        1 => Just(PutCondition::Absent),
        1 => versions().prop_map(PutCondition::Present),
        1 => proptest::collection::vec(1..6_i64, 0..3).prop_map(PutCondition::Unless),
    ]
}

fn patch() -> impl Strategy<Value = TodoPatch> {
    use proptest::option::of;
    let texts = (of(title()), of(description()), of(any::<bool>()));
    (texts, of(priority()), of(due()), of(tags_patch())).prop_map(
        |((title, description, is_completed), priority, due, tags)| TodoPatch {
            title,
            description,
            is_completed,
            priority,
            due,
            tags,
        },
    )
}

fn filter() -> impl Strategy<Value = TodoFilter> {
    let ids = prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(id(), 1..5)];
    let old = (proptest::option::of(any::<bool>()), prop_oneof![2 => Just(None), 1 => term()], ids);
    let priorities = prop_oneof![3 => Just(Vec::new()), 1 => vec(priority(), 1..3)];
    let tags = prop_oneof![3 => Just(Vec::new()), 1 => vec(tag(), 1..3)];
    let has_due = proptest::option::weighted(0.2, any::<bool>());
    let due = (bound(DueBound::before), bound(DueBound::after), has_due);
    (old, priorities, tags, due).prop_map(
        |((is_completed, search, ids), priorities, tags, (due_before, due_after, has_due))| {
            TodoFilter {
                is_completed,
                search,
                ids,
                priorities,
                tags,
                due_before,
                due_after,
                has_due,
            }
        },
    )
}

/// A filter by only one thing, which more todos match.
fn loose_filter() -> impl Strategy<Value = TodoFilter> {
    (filter(), 0..8_u8).prop_map(|(filter, which)| {
        let none = TodoFilter::default();
        match which {
            0 => TodoFilter { is_completed: filter.is_completed, ..none },
            1 => TodoFilter { search: filter.search, ..none },
            2 => TodoFilter { priorities: filter.priorities, ..none },
            3 => TodoFilter { tags: filter.tags, ..none },
            4 => TodoFilter { due_before: filter.due_before, ..none },
            5 => TodoFilter { due_after: filter.due_after, ..none },
            6 => TodoFilter { has_due: filter.has_due, ..none },
            _ => filter,
        }
    })
}

fn sort() -> impl Strategy<Value = Sort> {
    use SortKey::{CreatedAt, Due, Priority, Title, UpdatedAt};
    let key = select(vec![CreatedAt, UpdatedAt, Due, Due, Priority, Title]);
    (key, any::<bool>()).prop_map(|(key, descending)| Sort { key, descending })
}

/// A value of a sort key.
fn key_value(key: SortKey) -> BoxedStrategy<KeyValue> {
    match key {
        SortKey::CreatedAt | SortKey::UpdatedAt => {
            (-20..60_i64).prop_map(|microseconds| KeyValue::Time(at(microseconds))).boxed()
        }
        SortKey::Due => due()
            .prop_map(|due| due.map_or(KeyValue::Absent, |it| KeyValue::Time(it.order())))
            .boxed(),
        SortKey::Priority => priority().prop_map(KeyValue::Priority).boxed(),
        SortKey::Title => {
            title().prop_map(|title| KeyValue::Text(fold(title.as_str()).into_owned())).boxed()
        }
    }
}

fn position() -> impl Strategy<Value = (Sort, Position)> {
    let position = |sort: Sort| {
        (key_value(sort.key), id()).prop_map(move |(key, id)| (sort, Position { key, id }))
    };
    sort().prop_flat_map(position)
}

fn action() -> impl Strategy<Value = Action> {
    use Action::{
        Changes, Count, Delete, DeleteMatching, Find, Insert, List, ListAfter, Purge, Put, Tags,
        Update, UpdateMatching,
    };
    let list = (loose_filter(), sort(), 0..8_u32).prop_map(|(filter, sort, limit)| List {
        filter,
        sort,
        limit,
    });
    let list_after = (loose_filter(), position()).prop_map(|(filter, (sort, after))| ListAfter {
        filter,
        sort,
        after,
    });
    prop_oneof![
        6 => (new_todo(), quota()).prop_map(|(todo, quota)| Insert(todo, quota)),
        2 => id().prop_map(Find),
        6 => list,
        3 => list_after,
        3 => (loose_filter(), moment()).prop_map(|(filter, now)| Count(filter, now)),
        1 => Just(Tags),
        5 => (id(), patch(), versions()).prop_map(|(id, patch, versions)| Update(id, patch, versions)),
        6 => (new_todo(), condition(), quota())
            .prop_map(|(todo, condition, quota)| Put(todo, condition, quota)),
        2 => (id(), versions()).prop_map(|(id, versions)| Delete(id, versions)),
        2 => (loose_filter(), patch()).prop_map(|(filter, patch)| UpdateMatching(filter, patch)),
        2 => (loose_filter(), tags_patch()).prop_map(|(filter, tags)| {
            UpdateMatching(filter, TodoPatch { tags: Some(tags), ..TodoPatch::default() })
        }),
        1 => filter().prop_map(DeleteMatching),
        6 => (0..6_usize, 1..5_u32).prop_map(|(token, limit)| Changes { token, limit }),
        1 => (0..40_i64).prop_map(|microseconds| Purge { microseconds }),
    ]
}

/// Any call. One user makes most of them, so that some lists are long.
pub(crate) fn calls() -> impl Strategy<Value = Call> {
    let tick = prop_oneof![1 => Just(-7_i64), 6 => Just(0), 4 => 1..4_i64];
    let user = prop_oneof![4 => Just(0_usize), 1 => 1..3_usize];
    (user, tick, action()).prop_map(|(user, tick, action)| Call { user, tick, action })
}
