//! Updates: which fields change, and how time and version change.

use todo_domain::{Priority, TagsPatch, Todo, TodoPatch, UpdateOutcome, VersionMatch};

use crate::fixtures::{
    Repository, at, completed, description, due, find, full_todo, id, insert, new_title, tags,
    title, todo, update, user,
};

fn new_description(text: Option<&str>) -> TodoPatch {
    TodoPatch { description: Some(text.map(description)), ..TodoPatch::default() }
}

pub(crate) async fn each_field_is_changed_alone(repository: Repository) {
    let user = user();
    let first = insert(&repository, user, full_todo(1, "title", "text", false), 0).await;

    let second = update(&repository, user, id(1), new_title("new title"), 1).await;
    let expected =
        Todo { title: title("new title"), updated_at: at(1), version: 2, ..first.clone() };
    assert_eq!(second, expected);

    let third = update(&repository, user, id(1), new_description(Some("new text")), 2).await;
    let expected = Todo {
        description: Some(description("new text")),
        updated_at: at(2),
        version: 3,
        ..second
    };
    assert_eq!(third, expected);

    let fourth = update(&repository, user, id(1), completed(true), 3).await;
    let expected = Todo {
        is_completed: true,
        completed_at: Some(at(3)),
        updated_at: at(3),
        version: 4,
        ..third
    };
    assert_eq!(fourth, expected);
    assert_eq!(find(&repository, user, id(1)).await, Some(fourth));
}

pub(crate) async fn all_fields_are_changed_at_once(repository: Repository) {
    let user = user();
    let first = insert(&repository, user, todo(1, "title"), 0).await;
    let other = insert(&repository, user, todo(2, "title"), 0).await;
    let patch = TodoPatch {
        title: Some(title("new")),
        description: Some(Some(description("text"))),
        is_completed: Some(true),
        priority: Some(Priority::Low),
        due: Some(Some(due("2026-03-01"))),
        tags: Some(TagsPatch::Set(tags(&["home"]))),
    };
    let second = update(&repository, user, id(1), patch, 10).await;
    let expected = Todo {
        title: title("new"),
        description: Some(description("text")),
        is_completed: true,
        completed_at: Some(at(10)),
        priority: Priority::Low,
        due: Some(due("2026-03-01")),
        tags: tags(&["home"]),
        updated_at: at(10),
        version: 2,
        ..first
    };
    assert_eq!(second, expected);
    assert_eq!(find(&repository, user, id(1)).await, Some(second));
    assert_eq!(find(&repository, user, id(2)).await, Some(other));
}

pub(crate) async fn a_description_is_cleared_emptied_or_left_alone(repository: Repository) {
    let user = user();
    insert(&repository, user, full_todo(1, "x", "text", false), 0).await;
    let steps = [
        (completed(true), Some("text"), 2),
        (new_description(Some("")), Some(""), 3),
        (completed(false), Some(""), 4),
        (new_description(None), None, 5),
        (new_title("y"), None, 6),
        (new_description(Some("")), Some(""), 7),
        (new_description(Some("again")), Some("again"), 8),
        (new_description(None), None, 9),
    ];
    for (patch, expected, version) in steps {
        let todo = update(&repository, user, id(1), patch, version).await;
        assert_eq!((todo.description, todo.version), (expected.map(description), version));
    }
}

pub(crate) async fn an_update_without_a_change_keeps_version_and_time(repository: Repository) {
    let user = user();
    let described = insert(&repository, user, full_todo(1, "x", "text", true), 0).await;
    let bare = insert(&repository, user, todo(2, "x"), 0).await;
    let empty = insert(&repository, user, full_todo(3, "x", "", false), 0).await;
    let same = |todo: &Todo| TodoPatch {
        title: Some(todo.title.clone()),
        description: Some(todo.description.clone()),
        is_completed: Some(todo.is_completed),
        priority: Some(todo.priority),
        due: Some(todo.due),
        tags: Some(TagsPatch::Set(todo.tags.clone())),
    };
    for (now, todo) in (9..).zip([described, bare, empty]) {
        let patches = [
            TodoPatch::default(),
            new_title("x"),
            completed(todo.is_completed),
            TodoPatch { description: Some(todo.description.clone()), ..TodoPatch::default() },
            same(&todo),
        ];
        for patch in patches {
            assert_eq!(
                update(&repository, user, todo.id, patch.clone(), 9).await,
                todo,
                "{patch:?}"
            );
            assert_eq!(find(&repository, user, todo.id).await.as_ref(), Some(&todo));
        }
        // One field that differs is enough.
        let patch = TodoPatch { is_completed: Some(!todo.is_completed), ..same(&todo) };
        let changed = update(&repository, user, todo.id, patch, now).await;
        assert_eq!((changed.version, changed.updated_at), (2, at(now)));
    }
}

pub(crate) async fn a_difference_in_case_or_normalization_is_a_change(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "caf\u{e9}"), 0).await;
    for (text, version) in [("CAF\u{c9}", 2), ("cafe\u{301}", 3), ("cafe\u{301} ", 4)] {
        let todo = update(&repository, user, id(1), new_title(text), version).await;
        assert_eq!(
            (todo.title, todo.version, todo.updated_at),
            (title(text), version, at(version))
        );
    }
}

pub(crate) async fn the_time_of_the_last_change_always_increases(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 100).await;
    // The clock is set back to before the creation, and before the last change.
    for (version, (now, updated)) in
        (2..).zip([(50, 101), (100, 102), (200, 200), (199, 201), (201, 202)])
    {
        let todo = update(&repository, user, id(1), completed(version % 2 == 0), now).await;
        assert_eq!((todo.version, todo.updated_at), (version, at(updated)));
        assert_eq!(find(&repository, user, id(1)).await, Some(todo));
    }
}

pub(crate) async fn the_time_of_creation_never_changes(repository: Repository) {
    let user = user();
    insert(&repository, user, todo(1, "x"), 100).await;
    for now in [50, 200] {
        let todo = update(&repository, user, id(1), new_title(&now.to_string()), now).await;
        assert_eq!(todo.created_at, at(100));
    }
}

pub(crate) async fn an_absent_todo_is_not_updated(repository: Repository) {
    let user = user();
    for patch in [TodoPatch::default(), new_title("x")] {
        let outcome = repository.update(user, id(1), patch, VersionMatch::Any, at(0)).await;
        assert_eq!(outcome.unwrap(), UpdateOutcome::Absent);
    }
    assert_eq!(find(&repository, user, id(1)).await, None);
}
