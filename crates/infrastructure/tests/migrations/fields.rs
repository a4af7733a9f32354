//! The migrations that add priority, due time and tags to todos that exist, and their indexes.

use chrono::DateTime;
use todo_domain::{
    Due, NewTodo, PageQuery, Priority, Sort, SortKey, Tag, Tags, TagsPatch, Title, TodoFilter,
    TodoId, TodoPatch, UserId,
};
use todo_infrastructure::{MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;
use crate::{execute, lines, url};

const USER: UserId = UserId(Uuid::from_u128(1));

/// The columns as they are stored. `year` is that of the due time.
fn fields(year: &str) -> String {
    format!(
        "SELECT title || ' ' || priority || ' ' || {year} || ' ' || tags || ' ' || tags_folded AS line
         FROM todos ORDER BY title"
    )
}

fn new_todo(id: u128, title: &str) -> NewTodo {
    let tags = Tags::new(vec![Tag::new("Home").unwrap()]).unwrap();
    let others = TodoPatch {
        priority: Some(Priority::High),
        due: Some(Some(Due::from_parts(DateTime::UNIX_EPOCH, true))),
        tags: Some(TagsPatch::Set(tags)),
        ..TodoPatch::default()
    };
    NewTodo::new(TodoId(Uuid::from_u128(id)), Title::new(title).unwrap(), others)
}

/// `insert` adds a todo with this title as the release before does.
async fn assert_added(database: &TestDatabase, insert: impl Fn(&str) -> String, fields: &str) {
    let url = url(database);
    let migrate = |command| migrate(&url, command, OPTIONS.migrate_timeout).unwrap();
    let all = migrate(MigrationCommand::Up);
    let earlier = all.iter().take_while(|it| !it.name.contains("priority_due_and_tags")).count();
    let revert = MigrationCommand::Down(all.len() - earlier);
    migrate(revert);
    execute(database, &insert("1 before"));
    let repository = open(&url, &OPTIONS).unwrap();
    // The release before goes on.
    execute(database, &insert("2 after"));
    repository.insert(USER, new_todo(3, "3 new"), None, DateTime::UNIX_EPOCH).await.unwrap();
    execute(database, "UPDATE todos SET is_completed = true, version = version + 1");

    for key in [SortKey::Priority, SortKey::Due, SortKey::Title] {
        let sort = Sort { key, descending: false };
        let query = PageQuery { filter: TodoFilter::default(), sort, after: None, limit: 10 };
        let todos = repository.list(USER, query).await.unwrap().todos;
        assert_eq!(todos.len(), 3);
        for todo in todos {
            let is_new = todo.title.as_str() == "3 new";
            let tags: Vec<_> = todo.tags.iter().collect();
            let due = todo.due.map(|due| due.to_string());
            if is_new {
                assert_eq!((todo.priority, due.as_deref()), (Priority::High, Some("1970-01-01")));
                assert_eq!(tags, ["Home"]);
            } else {
                assert_eq!((todo.priority, due, tags.len()), (Priority::Medium, None, 0));
            }
        }
    }
    assert_eq!(
        lines(database, fields),
        ["1 before 2   ", "2 after 2   ", "3 new 3 1970 Home ,home,"]
    );
    drop(repository);

    // Reverting them keeps the todos, but not their new fields.
    migrate(revert);
    assert_eq!(lines(database, "SELECT count(*) || '' AS line FROM todos"), ["3"]);
    migrate(MigrationCommand::Up);
    let left = ["1 before 2   ", "2 after 2   ", "3 new 2   "];
    assert_eq!(lines(database, fields), left);
}

#[tokio::test]
async fn old_todos_have_the_defaults_in_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    let insert = |title: &str| {
        format!(
            "INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
             VALUES ('{USER}', gen_random_uuid(), '{title}', false, now(), now(), 1, '{title}')"
        )
    };
    let year = "coalesce(extract(year FROM due_at)::text, '')";
    assert_added(&database, insert, &fields(year)).await;
}

#[tokio::test]
async fn old_todos_have_the_defaults_in_sqlite() {
    let insert = |title: &str| {
        format!(
            "INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
             VALUES (x'{}', randomblob(16), '{title}', 0, 0, 0, 1, '{title}')",
            USER.0.simple()
        )
    };
    let year = "coalesce(strftime('%Y', due_at / 1000000, 'unixepoch'), '')";
    assert_added(&TestDatabase::sqlite(), insert, &fields(year)).await;
}

/// Folding makes these characters three times as long: an index entry of Postgres has 2,704 bytes.
#[tokio::test]
async fn the_longest_titles_fit_into_their_index() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten() {
        let repository = open(&url(&database), &OPTIONS).unwrap();
        let long = ('\u{1d15e}'..='\u{1d164}').chain('\u{1d1bb}'..='\u{1d1c0}');
        let long: Vec<char> = long.collect();
        // Without a pattern, so that it is hard to compress.
        let mut state = 1_u64;
        let title: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            long[usize::try_from(state >> 33).unwrap() % long.len()]
        })
        .take(Title::MAX_CHARS)
        .collect();
        let todo = new_todo(1, &title);
        repository.insert(USER, todo, None, DateTime::UNIX_EPOCH).await.unwrap();
    }
}
