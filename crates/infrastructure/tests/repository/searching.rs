//! Search: substrings of titles and descriptions, ignoring case.

use todo_domain::{PageQuery, PutCondition, Sort, TodoFilter, TodoPatch};

use crate::fixtures::{
    Repository, all, at, by_search, completed, description, full_todo, id, insert, insert_all,
    new_title, put, titles, todo, update, user,
};

pub(crate) async fn a_term_is_found_anywhere_in_title_or_description(repository: Repository) {
    let user = user();
    insert(&repository, user, full_todo(1, "needle first", "x", false), 1).await;
    insert(&repository, user, full_todo(2, "the needle within", "", false), 2).await;
    insert(&repository, user, todo(3, "last a needle"), 3).await;
    insert(&repository, user, full_todo(4, "below", "a haystack with a needle", false), 4).await;
    insert(&repository, user, full_todo(5, "need", "le", false), 5).await;
    insert(&repository, user, todo(6, "neither"), 6).await;
    assert_eq!(
        titles(&repository, user, by_search("needle")).await,
        ["below", "last a needle", "the needle within", "needle first"]
    );
    assert!(titles(&repository, user, by_search("needles")).await.is_empty());
    assert_eq!(titles(&repository, user, TodoFilter::default()).await.len(), 6);
}

pub(crate) async fn case_is_ignored_in_every_script(repository: Repository) {
    let user = user();
    let pairs = [
        ("Milk", "mILK"),
        ("Straße", "STRASSE"),
        ("STRASSE 7", "straße"),
        ("ÄRGER", "ärger"),
        ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"),
        ("Привет", "пРИВЕТ"),
        ("ﬁnal", "FINAL"),
        ("ԲԱՐԵՒ", "բարև"),
        ("ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ", "საქართველო"),
        ("𐐀 Deseret", "𐐨 dESERET"),
        ("300 \u{212a}", "300 k"),
    ];
    for (number, (text, term)) in (1..).zip(pairs) {
        insert(&repository, user, todo(2 * number, text), 0).await;
        insert(&repository, user, full_todo(2 * number + 1, "about", text, false), 0).await;
        let found = titles(&repository, user, by_search(term)).await;
        assert!(found.iter().any(|title| title == text), "{term} in the title {text}");
        assert!(found.iter().any(|title| title == "about"), "{term} in the description {text}");
        repository.delete_matching(user, TodoFilter::default(), at(50)).await.unwrap();
    }
}

pub(crate) async fn wildcards_and_quotes_are_ordinary_characters(repository: Repository) {
    let user = user();
    let texts =
        ["100% sure", "snake_case", "back\\slash", "it's", "say \"x\"", "a*b?c[d]", "plain text"];
    insert_all(&repository, user, &texts).await;
    let finds = [
        ("%", vec!["100% sure"]),
        ("0%s", vec![]),
        ("_", vec!["snake_case"]),
        ("snake%case", vec![]),
        ("\\", vec!["back\\slash"]),
        ("\\%", vec![]),
        ("'", vec!["it's"]),
        ("\"", vec!["say \"x\""]),
        ("a*b?c[d]", vec!["a*b?c[d]"]),
        ("pl.in", vec![]),
        ("n t", vec!["plain text"]),
        ("' OR 'x'='x", vec![]),
    ];
    for (term, expected) in finds {
        assert_eq!(titles(&repository, user, by_search(term)).await, expected, "{term}");
    }
}

pub(crate) async fn composed_and_decomposed_letters_find_each_other(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["caf\u{e9}", "cafe\u{301}", "cafe"]).await;
    insert(&repository, user, full_todo(4, "composed", "\u{c9}clair", false), 4).await;
    insert(&repository, user, full_todo(5, "decomposed", "E\u{301}clair", false), 5).await;
    for term in ["F\u{c9}", "FE\u{301}"] {
        let found = titles(&repository, user, by_search(term)).await;
        assert_eq!(found, ["cafe\u{301}", "caf\u{e9}"], "{term}");
    }
    for term in ["\u{e9}CLAIR", "e\u{301}CLAIR"] {
        let found = titles(&repository, user, by_search(term)).await;
        assert_eq!(found, ["decomposed", "composed"], "{term}");
    }
    // A letter without an accent does not match one with an accent, and an accent alone matches nothing.
    assert_eq!(titles(&repository, user, by_search("cafe")).await, ["cafe"]);
    assert!(titles(&repository, user, by_search("\u{301}")).await.is_empty());
}

pub(crate) async fn a_search_combines_with_completion_order_and_pages(repository: Repository) {
    let user = user();
    insert_all(&repository, user, &["tea one", "tea two", "coffee", "tea three", "tea four"]).await;
    for number in [1, 3, 4, 5] {
        update(&repository, user, id(number), completed(true), 10).await;
    }
    let filter = TodoFilter { is_completed: Some(true), ..by_search("TEA") };
    let found = titles(&repository, user, filter.clone()).await;
    assert_eq!(found, ["tea four", "tea three", "tea one"]);

    let sort = Sort { descending: false, ..Sort::default() };
    let first = PageQuery { filter, sort, limit: 2, ..all() };
    let page = repository.list(user, first.clone()).await.unwrap().todos;
    assert_eq!(page.iter().map(|todo| todo.id).collect::<Vec<_>>(), [1, 4].map(id));
    let second = PageQuery { after: Some(sort.position_of(&page[1])), ..first };
    let page = repository.list(user, second).await.unwrap().todos;
    assert_eq!(page.iter().map(|todo| todo.id).collect::<Vec<_>>(), [5].map(id));
}

pub(crate) async fn a_search_finds_texts_written_by_updates_and_puts(repository: Repository) {
    let user = user();
    let finds = async |term| titles(&repository, user, by_search(term)).await.len();
    insert(&repository, user, full_todo(1, "Old Title", "Old Text", false), 0).await;

    update(&repository, user, id(1), new_title("NEW Title"), 1).await;
    assert_eq!(
        (finds("old title").await, finds("new title").await, finds("old text").await),
        (0, 1, 1)
    );
    let patch = |text: Option<&str>| TodoPatch {
        description: Some(text.map(description)),
        ..TodoPatch::default()
    };
    update(&repository, user, id(1), patch(Some("NEW Text")), 2).await;
    assert_eq!((finds("old text").await, finds("new text").await), (0, 1));
    update(&repository, user, id(1), patch(None), 3).await;
    assert_eq!((finds("new text").await, finds("new title").await), (0, 1));

    let (always, present) =
        (PutCondition::Always, PutCondition::Present(todo_domain::VersionMatch::Any));
    put(&repository, user, full_todo(1, "PUT Title", "PUT Text", false), always.clone(), 4).await;
    assert_eq!(
        (finds("new title").await, finds("put title").await, finds("put text").await),
        (0, 1, 1)
    );
    put(&repository, user, todo(1, "AGAIN"), always, 5).await;
    assert_eq!((finds("put text").await, finds("again").await), (0, 1));
    put(&repository, user, full_todo(1, "LAST", "WORD", false), present, 6).await;
    assert_eq!((finds("again").await, finds("last").await, finds("word").await), (0, 1, 1));
}
