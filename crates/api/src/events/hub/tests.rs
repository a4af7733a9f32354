use todo_domain::{FeedId, MockClock, MockTodoRepository};
use uuid::Uuid;

use super::*;

const ANN: UserId = UserId(Uuid::from_u128(1));
const NOW: DateTime<Utc> = DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap();

fn hub(max_streams: usize) -> EventHub {
    EventHub::new(max_streams, Connections::default(), None)
}

fn user(number: usize) -> UserId {
    UserId(Uuid::from_u128(number as u128))
}

/// A service whose clock stands still, and is read so many times.
fn service(reads: usize) -> TodoService {
    let mut repository = MockTodoRepository::new();
    let clock = OwnerClock { feed: FeedId(Uuid::nil()), changed_at: Some(NOW), purged_at: None };
    repository.expect_clock().times(reads).returning(move |_| Ok(clock));
    TodoService::new(Arc::new(repository), Arc::new(MockClock::new()))
}

#[test]
fn one_user_cannot_have_all_streams() {
    let hub = hub(100);
    let streams: Vec<_> = (0..MAX_STREAMS_PER_USER).map(|_| hub.subscribe(ANN).unwrap()).collect();
    let refused = hub.subscribe(ANN);
    assert!(matches!(refused, Err(ApiError::TooManyStreams { is_total: false, .. })));
    assert!(hub.subscribe(user(2)).is_ok());
    drop(streams);
    assert!(hub.state().listeners.is_empty());
    assert!(hub.subscribe(ANN).is_ok());
}

#[test]
fn the_total_number_of_streams_is_limited() {
    let hub = hub(3);
    let mut streams: Vec<_> = (0..3).map(|it| hub.subscribe(user(it)).unwrap()).collect();
    let refused = hub.subscribe(ANN);
    assert!(matches!(refused, Err(ApiError::TooManyStreams { limit: 3, is_total: true })));
    streams.pop();
    assert!(hub.subscribe(ANN).is_ok());
}

#[actix_web::test]
async fn only_the_users_own_streams_are_notified_and_notices_coalesce() {
    let hub = hub(10);
    let (mut first, mut second) = (hub.subscribe(ANN).unwrap(), hub.subscribe(ANN).unwrap());
    let mut other = hub.subscribe(user(2)).unwrap();
    hub.notify(ANN);
    hub.notify(ANN);
    for stream in [&mut first, &mut second] {
        assert!(stream.notified().await.is_ok());
        assert!(!stream.notices.has_changed().unwrap());
    }
    assert!(!other.notices.has_changed().unwrap());
    hub.close();
    assert!(other.notified().await.is_err());
    assert!(matches!(hub.subscribe(ANN), Err(ApiError::Unavailable(_))));
}

#[actix_web::test]
async fn the_streams_of_a_user_share_a_read_of_the_clock() {
    let hub = hub(10);
    let (first, second) = (hub.subscribe(ANN).unwrap(), hub.subscribe(ANN).unwrap());
    let service = service(2);
    first.read_clock(&service).await.unwrap();
    second.noticed_clock(&service).await.unwrap();
    hub.notify(ANN);
    second.noticed_clock(&service).await.unwrap();
    first.noticed_clock(&service).await.unwrap();
}

#[actix_web::test]
async fn a_time_that_is_known_is_no_news() {
    let hub = hub(10);
    let stream = hub.subscribe(ANN).unwrap();
    stream.read_clock(&service(1)).await.unwrap();
    hub.notify_changed_at(ANN, NOW);
    assert!(!stream.notices.has_changed().unwrap());
    hub.notify_changed_at(ANN, NOW + chrono::TimeDelta::microseconds(1));
    assert!(stream.notices.has_changed().unwrap());
}
