use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use chrono::TimeDelta;

use super::*;
use crate::{Description, MockClock, MockTodoRepository, Sort};

const ALICE: UserId = UserId(Uuid::from_u128(0xa11ce));
const NOW: DateTime<Utc> = DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap();

/// Polls a future once: mocks are always ready.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a mock does not wait"),
    }
}

fn service(repository: MockTodoRepository) -> TodoService {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(NOW);
    TodoService::new(Arc::new(repository), Arc::new(clock))
}

fn title(text: &str) -> Title {
    Title::new(text).unwrap()
}

fn todo(number: u128) -> Todo {
    let now = NOW + TimeDelta::microseconds(i64::try_from(number).unwrap());
    new_todo(number).created(ALICE, now)
}

fn new_todo(number: u128) -> NewTodo {
    NewTodo::new(TodoId(Uuid::from_u128(number)), title("Buy groceries"), TodoPatch::default())
}

fn listed(todos: Vec<Todo>) -> Listed {
    Listed { todos, changed_at: Some(NOW) }
}

fn unavailable() -> RepositoryError {
    RepositoryError::unavailable("the connection was refused")
}

/// Counts the writes that it is told of.
#[derive(Default)]
struct Writes(AtomicUsize);

impl ChangeObserver for Writes {
    fn write_ended(&self, user: UserId) {
        assert_eq!(user, ALICE);
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_observer_is_told_of_every_write_even_if_it_fails_and_of_no_read() {
    let mut repository = MockTodoRepository::new();
    repository.expect_insert().returning(|_, _, _, _| Err(unavailable()));
    repository.expect_update().returning(|_, _, _, _, _| Ok(UpdateOutcome::Absent));
    repository.expect_put().returning(|_, _, _, _, _| Err(unavailable()));
    repository.expect_delete().returning(|_, _, _, _| Ok(DeleteOutcome::Deleted));
    repository.expect_update_matching().returning(|_, _, _, _| Ok(BulkOutcome::Changed(1)));
    repository.expect_delete_matching().returning(|_, _, _| Ok(BulkOutcome::Changed(1)));
    repository.expect_find().returning(|_, _| Ok(None));
    let writes = Arc::new(Writes::default());
    let service = service(repository).with_observer(Arc::clone(&writes) as Arc<_>);
    let (id, any) = (TodoId(Uuid::nil()), || VersionMatch::Any);
    let told = || writes.0.swap(0, Ordering::Relaxed);

    drop(now(service.create(ALICE, title("Buy"), TodoPatch::default())));
    assert_eq!(told(), 1);
    drop(now(service.update(ALICE, id, TodoPatch::default(), any())));
    assert_eq!(told(), 1);
    drop(now(service.put(ALICE, new_todo(1), PutCondition::Always)));
    assert_eq!(told(), 1);
    drop(now(service.delete(ALICE, id, any())));
    assert_eq!(told(), 1);
    drop(now(service.update_matching(ALICE, TodoFilter::default(), TodoPatch::default())));
    assert_eq!(told(), 1);
    drop(now(service.delete_matching(ALICE, TodoFilter::default())));
    assert_eq!(told(), 1);
    drop(now(service.get(ALICE, id)));
    assert_eq!(told(), 0);
}

#[test]
fn a_new_todo_gets_a_time_ordered_id_the_clock_time_and_version_1() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_insert()
        .withf(|user, _, _, now| *user == ALICE && *now == NOW)
        .return_once(|user, todo, _, now| Ok(InsertOutcome::Inserted(todo.created(user, now))));

    let description = Description::new("Milk").unwrap();
    let others = TodoPatch {
        description: Some(Some(description)),
        is_completed: Some(true),
        ..TodoPatch::default()
    };
    let todo = now(service(repository).create(ALICE, title("Buy"), others)).unwrap();

    assert_eq!(todo.id.0.get_version_num(), 7);
    let (seconds, nanos) = todo.id.0.get_timestamp().unwrap().to_unix();
    assert_eq!((seconds, nanos), (1_769_077_800, 123_000_000), "a UUID stores milliseconds");
    assert_eq!((todo.created_at, todo.updated_at, todo.version), (NOW, NOW, 1));
    assert_eq!(todo.description.unwrap().as_str(), "Milk");
    assert!(todo.is_completed);
}

#[test]
fn two_new_todos_have_different_ids_even_in_the_same_microsecond() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_insert()
        .returning(|user, todo, _, now| Ok(InsertOutcome::Inserted(todo.created(user, now))));
    let service = service(repository);
    let first = now(service.create(ALICE, title("x"), TodoPatch::default())).unwrap();
    let second = now(service.create(ALICE, title("x"), TodoPatch::default())).unwrap();
    assert_ne!(first.id, second.id);
}

#[test]
fn an_existing_todo_is_returned() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_find()
        .withf(|user, id| *user == ALICE && id.0.as_u128() == 1)
        .return_once(|_, _| Ok(Some(todo(1))));
    assert_eq!(now(service(repository).get(ALICE, todo(1).id)).unwrap(), todo(1));
}

#[test]
fn a_missing_todo_is_not_found() {
    let mut repository = MockTodoRepository::new();
    repository.expect_find().return_once(|_, _| Ok(None));
    repository.expect_update().return_once(|_, _, _, _, _| Ok(UpdateOutcome::Absent));
    repository.expect_delete().return_once(|_, _, _, _| Ok(DeleteOutcome::Absent));
    let service = service(repository);
    let id = todo(1).id;
    let got = now(service.get(ALICE, id));
    assert!(matches!(got, Err(TodoError::NotFound)));
    let updated = now(service.update(ALICE, id, TodoPatch::default(), VersionMatch::Any));
    assert!(matches!(updated, Err(TodoError::NotFound)));
    let deleted = now(service.delete(ALICE, id, VersionMatch::Any));
    assert!(matches!(deleted, Err(TodoError::NotFound)));
}

#[test]
fn an_update_passes_on_the_patch_the_condition_and_the_time() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_update()
        .withf(|user, id, patch, versions, now| {
            *user == ALICE
                && id.0.as_u128() == 1
                && patch.description == Some(None)
                && patch.title.is_none()
                && *versions == VersionMatch::OneOf(vec![3])
                && *now == NOW
        })
        .return_once(|_, _, _, _, _| Ok(UpdateOutcome::Updated(todo(1))));
    let patch = TodoPatch { description: Some(None), ..TodoPatch::default() };
    let versions = VersionMatch::OneOf(vec![3]);
    assert!(now(service(repository).update(ALICE, todo(1).id, patch, versions)).is_ok());
}

#[test]
fn a_failed_condition_returns_the_current_todo() {
    let mut repository = MockTodoRepository::new();
    repository.expect_update().return_once(|_, _, _, _, _| Ok(UpdateOutcome::Conflict(todo(1))));
    repository.expect_delete().return_once(|_, _, _, _| Ok(DeleteOutcome::Conflict(todo(1))));
    repository.expect_put().return_once(|_, _, _, _, _| Ok(PutOutcome::Conflict(None)));
    let service = service(repository);
    let id = todo(1).id;
    let versions = VersionMatch::OneOf(vec![9]);
    let current_of = |error| match error {
        TodoError::Conflict { current } => current.map(|it| *it),
        other => panic!("{other}"),
    };
    let updated = now(service.update(ALICE, id, TodoPatch::default(), versions.clone()));
    assert_eq!(current_of(updated.unwrap_err()), Some(todo(1)));
    let deleted = now(service.delete(ALICE, id, versions.clone()));
    assert_eq!(current_of(deleted.unwrap_err()), Some(todo(1)));
    let put = now(service.put(ALICE, new_todo(1), PutCondition::Present(versions)));
    assert_eq!(current_of(put.unwrap_err()), None);
}

#[test]
fn a_put_returns_whether_it_created_the_todo() {
    let mut repository = MockTodoRepository::new();
    repository.expect_put().times(1).return_once(|_, _, _, _, _| Ok(PutOutcome::Created(todo(1))));
    repository.expect_put().times(1).return_once(|_, _, _, _, _| Ok(PutOutcome::Replaced(todo(1))));
    let service = service(repository);
    let first = now(service.put(ALICE, new_todo(1), PutCondition::Always)).unwrap();
    let second = now(service.put(ALICE, new_todo(1), PutCondition::Always)).unwrap();
    assert_eq!((first, second), (Put::Created(todo(1)), Put::Replaced(todo(1))));
}

#[test]
fn a_page_before_the_last_has_the_position_of_the_next() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_list()
        .withf(|user, query| *user == ALICE && query.limit == 3)
        .return_once(|_, _| Ok(listed(vec![todo(3), todo(2), todo(1)])));
    let query =
        PageQuery { filter: TodoFilter::default(), sort: Sort::default(), after: None, limit: 2 };
    let page = now(service(repository).list(ALICE, query)).unwrap();
    assert_eq!(page.items, [todo(3), todo(2)]);
    assert_eq!(page.next, Some(Sort::default().position_of(&todo(2))));
}

#[test]
fn the_last_page_has_no_next_position_even_when_it_is_full() {
    let mut repository = MockTodoRepository::new();
    repository.expect_list().return_once(|_, _| Ok(listed(vec![todo(2), todo(1)])));
    let query =
        PageQuery { filter: TodoFilter::default(), sort: Sort::default(), after: None, limit: 2 };
    let page = now(service(repository).list(ALICE, query)).unwrap();
    assert_eq!((page.items.len(), page.next), (2, None));
}

#[test]
fn bulk_operations_and_counts_pass_on_the_filter() {
    let mut repository = MockTodoRepository::new();
    let active = TodoFilter { is_completed: Some(false), ..TodoFilter::default() };
    let wanted = active.clone();
    let completed = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
    let expected = completed.clone();
    repository
        .expect_update_matching()
        .withf(move |user, filter, patch, now| {
            *user == ALICE && *filter == wanted && *patch == expected && *now == NOW
        })
        .return_once(|_, _, _, _| Ok(BulkOutcome::Changed(2)));
    repository.expect_delete_matching().return_once(|_, _, _| Ok(BulkOutcome::Changed(5)));
    let counts = TodoCounts { total: 5, completed: 2, ..TodoCounts::default() };
    repository.expect_count().return_once(move |_, _, _| Ok(counts));
    let service = service(repository);
    assert_eq!(now(service.update_matching(ALICE, active.clone(), completed)).unwrap(), 2);
    assert_eq!(now(service.delete_matching(ALICE, active)).unwrap(), 5);
    assert_eq!(now(service.stats(ALICE, TodoFilter::default(), None)).unwrap().completed, 2);
}

#[test]
fn every_use_case_returns_that_the_database_is_unavailable() {
    let mut repository = MockTodoRepository::new();
    repository.expect_insert().returning(|_, _, _, _| Err(unavailable()));
    repository.expect_find().returning(|_, _| Err(unavailable()));
    repository.expect_delete().returning(|_, _, _, _| Err(unavailable()));
    repository.expect_ping().returning(|| Err(unavailable()));
    let service = service(repository);
    for error in [
        now(service.create(ALICE, title("x"), TodoPatch::default())).unwrap_err(),
        now(service.get(ALICE, todo(1).id)).unwrap_err(),
        now(service.delete(ALICE, todo(1).id, VersionMatch::Any)).unwrap_err(),
    ] {
        assert!(matches!(error, TodoError::Repository(RepositoryError::Unavailable(_))));
    }
    assert!(now(service.ready()).is_err());
}

#[test]
fn a_quota_is_passed_on_and_its_error_says_it() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_insert()
        .withf(|_, _, quota, _| *quota == Some(7))
        .return_once(|_, _, _, _| Ok(InsertOutcome::QuotaExceeded));
    repository
        .expect_put()
        .withf(|_, _, _, quota, _| *quota == Some(7))
        .return_once(|_, _, _, _, _| Ok(PutOutcome::QuotaExceeded));
    let service = service(repository).with_quota(Some(7));
    for error in [
        now(service.create(ALICE, title("x"), TodoPatch::default())).unwrap_err(),
        now(service.put(ALICE, new_todo(1), PutCondition::Always)).unwrap_err(),
    ] {
        assert!(matches!(error, TodoError::QuotaExceeded { limit: 7 }));
    }
}

#[test]
fn an_expired_token_is_an_error() {
    let mut repository = MockTodoRepository::new();
    repository.expect_changes().return_once(|_, _, _| Ok(None));
    let changes = now(service(repository).changes(ALICE, None, 1));
    assert!(matches!(changes, Err(TodoError::TokenExpired)));
}
