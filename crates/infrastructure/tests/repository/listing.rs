//! Lists (order, filters, limit) and counts.

use todo_domain::{PageQuery, SortKey, TodoFilter};

use crate::fixtures::{
    Repository, SORTS, all, at, by_completion, by_ids, by_search, completed, count, counts, id,
    ids, insert, insert_all, sorts_by_time, titles, todo, update, user,
};

pub(crate) async fn a_new_user_has_no_todos(repository: Repository) {
    let user = user();
    assert_eq!(repository.list(user, all()).await.unwrap().todos, []);
    assert_eq!(count(&repository, user, TodoFilter::default()).await, counts(0, 0));
}

pub(crate) async fn the_newest_todo_comes_first(repository: Repository) {
    let user = user();
    // On both sides of a full second and of the year 1970.
    for (number, microseconds) in
        [(5, -2_000_000_000_000_000), (2, -700_000), (1, 5), (4, 6), (3, 900_000)]
    {
        insert(&repository, user, todo(number, "x"), microseconds).await;
    }
    assert_eq!(ids(&repository, user, all()).await, [3, 4, 1, 2, 5].map(id));
}

pub(crate) async fn todos_of_the_same_time_are_ordered_by_id(repository: Repository) {
    let user = user();
    // Ids that a signed or byte-swapped comparison would order differently.
    let ascending = [0, 1, 0x0100, 0x7f << 120, 0x80 << 120, u128::MAX];
    for index in [3, 0, 5, 2, 4, 1] {
        insert(&repository, user, todo(ascending[index], "x"), 0).await;
    }
    let everything = TodoFilter::default();
    repository.update_matching(user, everything, completed(true), at(100)).await.unwrap();
    for sort in SORTS.into_iter().filter(|sort| sort.key == SortKey::UpdatedAt) {
        let mut expected = ascending.map(id);
        if sort.descending {
            expected.reverse();
        }
        assert_eq!(ids(&repository, user, PageQuery { sort, ..all() }).await, expected, "{sort:?}");
    }
}

pub(crate) async fn lists_can_be_sorted_in_four_orders(repository: Repository) {
    let user = user();
    for number in 1..=4 {
        insert(&repository, user, todo(number, "x"), i64::try_from(number).unwrap()).await;
    }
    // 1 is updated last, 2 and 3 at the same time.
    for (number, microseconds) in [(2, 10), (3, 10), (1, 11)] {
        update(&repository, user, id(number), completed(true), microseconds).await;
    }
    let expected = [[4, 3, 2, 1], [1, 2, 3, 4], [1, 3, 2, 4], [4, 2, 3, 1]];
    for (sort, expected) in SORTS.into_iter().zip(expected) {
        let query = PageQuery { sort, ..all() };
        assert_eq!(ids(&repository, user, query).await, expected.map(id), "{sort:?}");
    }
}

pub(crate) async fn a_list_filtered_by_completion_is_in_order(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["one", "two", "three", "four", "five"]).await;
    for number in [5, 2, 4] {
        update(&repository, user, id(number), completed(true), 10).await;
    }
    assert_eq!(titles(&repository, user, by_completion(true)).await, ["five", "four", "two"]);
    assert_eq!(titles(&repository, user, by_completion(false)).await, ["three", "one"]);
    let everything = titles(&repository, user, TodoFilter::default()).await;
    assert_eq!(everything, ["five", "four", "three", "two", "one"]);
}

pub(crate) async fn a_list_filtered_by_id_has_only_these_todos(repository: Repository) {
    let (user, other) = (user(), user());
    insert_all(&repository, user, &["one", "two", "three", "four"]).await;
    insert_all(&repository, other, &["one", "two", "three", "four"]).await;
    for (numbers, expected) in [
        (vec![2], vec!["two"]),
        (vec![1, 3, 3, 1, 99], vec!["three", "one"]),
        (vec![99], vec![]),
        ((1..=200).collect(), vec!["four", "three", "two", "one"]),
    ] {
        assert_eq!(titles(&repository, user, by_ids(&numbers)).await, expected, "{numbers:?}");
    }
    let o = TodoFilter { ids: by_ids(&[2, 3]).ids, ..by_search("o") };
    assert_eq!(titles(&repository, user, o).await, ["two"]);
    // In pages and in each order, like any list.
    for sort in sorts_by_time() {
        let first = PageQuery { filter: by_ids(&[1, 2, 4]), sort, limit: 2, ..all() };
        let page = repository.list(user, first.clone()).await.unwrap().todos;
        let second = PageQuery { after: Some(sort.position_of(&page[1])), ..first };
        let mut found: Vec<_> = page.iter().map(|todo| todo.id).collect();
        found.extend(ids(&repository, user, second).await);
        let expected = if sort.descending { [4, 2, 1] } else { [1, 2, 4] };
        assert_eq!(found, expected.map(id), "{sort:?}");
    }
}

pub(crate) async fn counts_respect_the_filter(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["tea", "more tea", "coffee"]).await;
    update(&repository, user, id(2), completed(true), 10).await;
    for (filter, total, done) in [
        (by_completion(true), 1, 1),
        (by_completion(false), 2, 0),
        (by_search("TEA"), 2, 1),
        (by_ids(&[2, 3, 99]), 2, 1),
        (TodoFilter { ids: by_ids(&[2, 3]).ids, ..by_search("tea") }, 1, 1),
        (by_search("water"), 0, 0),
    ] {
        let found = count(&repository, user, filter.clone()).await;
        assert_eq!(found, counts(total, done), "{filter:?}");
    }
}

pub(crate) async fn a_limit_shortens_the_list(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["one", "two", "three"]).await;
    for (limit, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (u32::MAX, 3)] {
        let listed = ids(&repository, user, PageQuery { limit, ..all() }).await;
        assert_eq!(listed, [3, 2, 1].map(id)[..expected]);
    }
}

pub(crate) async fn counts_are_of_all_and_of_completed_todos(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["one", "two", "three"]).await;
    assert_eq!(count(&repository, user, TodoFilter::default()).await, counts(3, 0));
    update(&repository, user, id(2), completed(true), 10).await;
    assert_eq!(count(&repository, user, TodoFilter::default()).await, counts(3, 1));
    repository.delete_matching(user, by_completion(false), at(50)).await.unwrap();
    assert_eq!(count(&repository, user, TodoFilter::default()).await, counts(1, 1));
}
