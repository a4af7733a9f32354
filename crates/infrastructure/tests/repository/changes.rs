//! The change feed.

use todo_domain::{
    Changes, FeedId, PutCondition, SyncToken, TodoFilter, TodoId, UserId, VersionMatch,
};
use uuid::Uuid;

use crate::fixtures::{
    Repository, all, at, by_ids, completed, id, insert, insert_all, new_title, put, todo, update,
    user,
};

async fn changes(
    repository: &Repository,
    user: UserId,
    since: Option<SyncToken>,
    limit: u32,
) -> Changes {
    repository.changes(user, since, limit).await.unwrap().unwrap()
}

/// Reads to the end, in pages: the ids of the todos and of the tombstones, and the last token.
async fn read(
    repository: &Repository,
    user: UserId,
    mut since: Option<SyncToken>,
    limit: u32,
) -> (Vec<TodoId>, Vec<TodoId>, SyncToken) {
    let (mut items, mut deleted) = (Vec::new(), Vec::new());
    loop {
        let page = changes(repository, user, since, limit).await;
        let size = page.items.len() + page.deleted.len();
        assert!(size <= limit as usize && (size == limit as usize || !page.has_more));
        items.extend(page.items.iter().map(|todo| todo.id));
        deleted.extend(page.deleted.iter().map(|tombstone| tombstone.id));
        since = Some(page.next);
        if !page.has_more {
            return (items, deleted, page.next);
        }
    }
}

pub(crate) async fn without_a_token_the_feed_is_the_whole_state(repository: Repository) {
    let user = user();
    let nothing = changes(&repository, user, None, 10).await;
    assert_eq!((nothing.items, nothing.deleted, nothing.has_more), (vec![], vec![], false));
    insert_all(&repository, user, &["1", "2", "3", "4", "5"]).await;
    repository.delete(user, id(3), VersionMatch::Any, at(10)).await.unwrap();
    for limit in [1, 2, 3, 4, 5, 100] {
        let (items, deleted, _) = read(&repository, user, None, limit).await;
        assert_eq!((items, deleted), ([1, 2, 4, 5].map(id).to_vec(), vec![]), "{limit}");
    }
    let whole = changes(&repository, user, None, 10).await;
    let mut listed = repository.list(user, all()).await.unwrap().todos;
    listed.reverse();
    assert_eq!(whole.items, listed);
    // The token of one who has read nothing is that of one whose user had nothing.
    let (items, deleted, _) = read(&repository, user, Some(nothing.next), 2).await;
    assert_eq!((items, deleted), ([1, 2, 4, 5].map(id).to_vec(), vec![id(3)]));
}

pub(crate) async fn changes_come_in_the_order_of_their_times(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3", "4"]).await;
    let (_, _, token) = read(&repository, user, None, 10).await;
    let unchanged = changes(&repository, user, Some(token), 10).await;
    assert_eq!((unchanged.items, unchanged.deleted), (vec![], vec![]));
    assert_eq!((unchanged.next, unchanged.has_more), (token, false));

    update(&repository, user, id(3), new_title("new"), 10).await;
    update(&repository, user, id(1), new_title("new"), 11).await;
    update(&repository, user, id(3), new_title("newer"), 12).await;
    insert(&repository, user, todo(5, "5"), 13).await;
    repository.delete(user, id(2), VersionMatch::Any, at(14)).await.unwrap();
    let page = changes(&repository, user, Some(token), 2).await;
    assert_eq!(page.items.iter().map(|todo| todo.id).collect::<Vec<_>>(), [1, 3].map(id));
    assert_eq!(page.items[1].title.as_str(), "newer", "each todo once, as it stands now");
    assert!(page.has_more);
    let (items, deleted, next) = read(&repository, user, Some(page.next), 1).await;
    assert_eq!((items, deleted), (vec![id(5)], vec![id(2)]));
    let (items, deleted, _) = read(&repository, user, Some(next), 1).await;
    assert_eq!((items, deleted), (vec![], vec![]));
}

pub(crate) async fn deletions_are_told_to_those_who_may_know_the_todo(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3", "4"]).await;
    repository.delete(user, id(4), VersionMatch::Any, at(10)).await.unwrap();
    // A first synchronization that has read 1 and 2, when 1 and 3 are deleted.
    let page = changes(&repository, user, None, 2).await;
    repository.delete(user, id(1), VersionMatch::Any, at(11)).await.unwrap();
    repository.delete(user, id(3), VersionMatch::Any, at(12)).await.unwrap();
    let rest = changes(&repository, user, Some(page.next), 10).await;
    assert_eq!(rest.items, []);
    let deleted: Vec<_> =
        rest.deleted.iter().map(|it| (it.id, it.version, it.deleted_at)).collect();
    assert_eq!(deleted, [(id(1), 1, at(11)), (id(3), 1, at(12))]);
    // What is put back is told as a todo, not as deleted.
    put(&repository, user, todo(1, "back"), PutCondition::Always, 13).await;
    let (items, deleted, _) = read(&repository, user, Some(page.next), 10).await;
    assert_eq!((items, deleted), (vec![id(1)], vec![id(3)]));
}

pub(crate) async fn the_todos_of_a_bulk_change_are_paged(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3", "4", "5"]).await;
    let (_, _, token) = read(&repository, user, None, 10).await;
    let everything = TodoFilter::default();
    repository.update_matching(user, everything.clone(), completed(true), at(10)).await.unwrap();
    let (items, _, token) = read(&repository, user, Some(token), 2).await;
    assert_eq!(items, [1, 2, 3, 4, 5].map(id));
    repository.delete_matching(user, everything, at(11)).await.unwrap();
    let (items, deleted, _) = read(&repository, user, Some(token), 2).await;
    assert_eq!((items, deleted), (vec![], [1, 2, 3, 4, 5].map(id).to_vec()));
}

pub(crate) async fn a_token_can_be_used_again(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3"]).await;
    let first = changes(&repository, user, None, 2).await;
    let once = changes(&repository, user, Some(first.next), 2).await;
    let twice = changes(&repository, user, Some(first.next), 2).await;
    assert_eq!(once, twice);
}

pub(crate) async fn another_feed_a_later_time_and_a_purge_expire_a_token(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3"]).await;
    let token = changes(&repository, user, None, 10).await.next;
    let is_expired =
        async |token| repository.changes(user, Some(token), 10).await.unwrap().is_none();
    assert!(!is_expired(token).await);
    assert!(is_expired(SyncToken { feed: FeedId(Uuid::new_v4()), ..token }).await);
    // As after the database was restored from a backup.
    let mut ahead = token;
    ahead.position.at = at(1_000);
    assert!(is_expired(ahead).await);

    repository.delete(user, id(1), VersionMatch::Any, at(20)).await.unwrap();
    let later = changes(&repository, user, Some(token), 10).await.next;
    repository.delete(user, id(2), VersionMatch::Any, at(30)).await.unwrap();
    repository.purge(at(20), None).await.unwrap();
    assert!(!is_expired(token).await, "nothing was purged");
    repository.purge(at(21), None).await.unwrap();
    assert!(is_expired(token).await);
    assert!(!is_expired(later).await, "it was told of what was purged");
    let (items, deleted, now) = read(&repository, user, None, 10).await;
    assert_eq!((items, deleted), (vec![id(3)], vec![]));
    assert!(!is_expired(now).await);
}

pub(crate) async fn a_purge_expires_no_token_that_needs_none_of_the_tombstones(
    repository: Repository,
) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3"]).await;
    let all = changes(&repository, user, None, 10).await.next;
    repository.delete_matching(user, by_ids(&[1, 2]), at(20)).await.unwrap();
    let one = changes(&repository, user, Some(all), 1).await.next;
    let both = changes(&repository, user, Some(one), 1).await.next;
    let anew = changes(&repository, user, None, 10).await.next;
    // Long after the last change.
    repository.purge(at(1_000), None).await.unwrap();
    let is_expired =
        async |token| repository.changes(user, Some(token), 10).await.unwrap().is_none();
    assert!(is_expired(all).await && is_expired(one).await);
    assert!(!is_expired(both).await && !is_expired(anew).await);
    let first_page = changes(&repository, user, None, 1).await.next;
    insert(&repository, user, todo(4, "4"), 2_000).await;
    assert!(is_expired(all).await && is_expired(one).await);
    for token in [both, anew, first_page] {
        let (items, deleted, _) = read(&repository, user, Some(token), 10).await;
        assert_eq!((items, deleted), (vec![id(4)], vec![]));
    }
}

pub(crate) async fn a_first_synchronization_outlasts_a_purge(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["1", "2", "3"]).await;
    repository.delete(user, id(3), VersionMatch::Any, at(20)).await.unwrap();
    let page = changes(&repository, user, None, 1).await;
    repository.purge(at(20), None).await.unwrap();
    repository.delete(user, id(1), VersionMatch::Any, at(30)).await.unwrap();
    let (items, deleted, _) = read(&repository, user, Some(page.next), 1).await;
    assert_eq!((items, deleted), (vec![id(2)], vec![id(1)]));
}

pub(crate) async fn another_users_changes_are_not_told(repository: Repository) {
    let (user, other) = (user(), user());
    insert_all(&repository, user, &["1", "2"]).await;
    insert_all(&repository, other, &["1"]).await;
    repository.delete(other, id(1), VersionMatch::Any, at(9)).await.unwrap();
    let (_, _, token) = read(&repository, user, None, 10).await;
    let page = changes(&repository, other, None, 10).await;
    assert_eq!((page.items, page.deleted), (vec![], vec![]));
    insert(&repository, other, todo(7, "x"), 20).await;
    let page = changes(&repository, user, Some(token), 10).await;
    assert_eq!((page.items, page.deleted), (vec![], vec![]));
}
