//! `is_completed`, `q` and `id`.

use serde_json::json;

use crate::support::{Api, Client, TODOS, id_of, path_of, percent_encoded};

fn found(client: &Client<'_>, query: &str) -> Vec<String> {
    let mut titles = client.titles(format!("{TODOS}?{query}"));
    titles.sort();
    titles
}

fn q(term: &str) -> String {
    format!("q={}", percent_encoded(term))
}

pub(crate) fn todos_are_filtered_by_completion(api: Api) {
    let ann = api.user();
    let todo = ann.create("Done");
    ann.create("Open");
    ann.patch(path_of(&todo), &json!({"is_completed": true})).expect(200);
    assert_eq!(found(&ann, "is_completed=true"), ["Done"]);
    assert_eq!(found(&ann, "is_completed=false"), ["Open"]);
    // The next read sees the change.
    ann.patch(path_of(&todo), &json!({"is_completed": false})).expect(200);
    assert_eq!(found(&ann, "is_completed=false"), ["Done", "Open"]);
    assert!(found(&ann, "is_completed=true").is_empty());
}

pub(crate) fn a_term_is_found_anywhere_in_any_case(api: Api) {
    let ann = api.user();
    for (title, description) in [
        ("Buy ÄPFEL and milk", json!(null)),
        ("Straße fegen", json!("")),
        ("ΟΔΟΣ", json!("Молоко")),
        ("Call Bob", json!("about the Apples & pears")),
    ] {
        ann.post(&json!({"title": title, "description": description})).expect(201);
    }
    api.user().create("Buy ÄPFEL of another");
    for (term, title) in [
        ("äpfel", "Buy ÄPFEL and milk"),
        ("PFEL AND", "Buy ÄPFEL and milk"),
        ("STRASSE", "Straße fegen"),
        ("straße", "Straße fegen"),
        ("οδος", "ΟΔΟΣ"),
        ("οδοσ", "ΟΔΟΣ"),
        ("МОЛОКО", "ΟΔΟΣ"),
        ("apples & PEARS", "Call Bob"),
        ("bob", "Call Bob"),
        ("B", "Buy ÄPFEL and milk"),
    ] {
        let titles = found(&ann, &q(term));
        assert!(titles.contains(&title.to_owned()), "{term} found {titles:?}");
        assert!(!titles.contains(&"Buy ÄPFEL of another".to_owned()), "{term}");
    }
    assert!(found(&ann, &q("Bob about")).is_empty(), "a term does not span title and description");
    assert!(found(&ann, &q("bananas")).is_empty());
}

pub(crate) fn wildcards_are_ordinary_characters(api: Api) {
    let ann = api.user();
    for title in ["100% sure", "snake_case", "back\\slash", "it's \"quoted\"", "plain", "st*r?[a]"]
    {
        ann.create(title);
    }
    for (term, title) in [
        ("%", "100% sure"),
        ("0% s", "100% sure"),
        ("_", "snake_case"),
        ("e_c", "snake_case"),
        ("\\", "back\\slash"),
        ("'", "it's \"quoted\""),
        ("\"", "it's \"quoted\""),
        ("*", "st*r?[a]"),
        ("?[", "st*r?[a]"),
    ] {
        assert_eq!(found(&ann, &q(term)), [title], "{term}");
    }
    for term in ["%%", "p_ain", "pl%n", "\\%", "' OR 1=1 --", "p.*n"] {
        assert!(found(&ann, &q(term)).is_empty(), "{term}");
    }
}

pub(crate) fn an_empty_term_does_not_filter(api: Api) {
    let ann = api.user();
    ann.create("One");
    ann.create("Two words");
    assert_eq!(found(&ann, "q="), ["One", "Two words"]);
    // A plus is a space, as in any query string.
    assert_eq!(found(&ann, "q=two+w"), ["Two words"]);
    assert_eq!(found(&ann, "q=%20"), ["Two words"]);
}

pub(crate) fn filters_combine(api: Api) {
    let ann = api.user();
    let milk = ann.create("Milk, done");
    ann.create("Milk, open");
    let eggs = ann.create("Eggs, done");
    for todo in [milk, eggs] {
        ann.patch(path_of(&todo), &json!({"is_completed": true})).expect(200);
    }
    assert_eq!(found(&ann, "q=milk&is_completed=true"), ["Milk, done"]);
    assert_eq!(found(&ann, "q=milk&is_completed=false"), ["Milk, open"]);
    assert_eq!(found(&ann, "q=done&is_completed=true"), ["Eggs, done", "Milk, done"]);
    assert!(found(&ann, "q=eggs&is_completed=false").is_empty());
}

pub(crate) fn composed_and_decomposed_letters_find_each_other(api: Api) {
    let ann = api.user();
    for (title, description) in [
        ("Caf\u{e9}", json!(null)),
        ("Cafe\u{301}", json!("")),
        ("x", json!("E\u{301}clair, caf\u{e9}")),
    ] {
        ann.post(&json!({"title": title, "description": description})).expect(201);
    }
    for term in ["CAF\u{c9}", "cafe\u{301}"] {
        assert_eq!(found(&ann, &q(term)), ["Cafe\u{301}", "Caf\u{e9}", "x"], "{term}");
    }
    assert_eq!(found(&ann, &q("\u{e9}CLAIR")), ["x"]);
    assert!(found(&ann, &q("cafe")).is_empty());
    // The texts are stored as they were sent.
    assert_eq!(ann.titles(format!("{TODOS}?limit=2"))[1], "Cafe\u{301}");
    // Both terms mean the same list, so a cursor works with either.
    let first = ann.get(format!("{TODOS}?limit=1&{}", q("caf\u{e9}"))).expect(200);
    let next = first["next_cursor"].as_str().unwrap();
    let rest = ann.titles(format!("{TODOS}?cursor={next}&{}", q("cafe\u{301}")));
    assert_eq!(rest, ["Cafe\u{301}", "Caf\u{e9}"]);
}

pub(crate) fn todos_are_filtered_by_id(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let todos = ["one", "two", "three"].map(|title| ann.create(title));
    let his = bob.create("Bob's");
    let [one, two, three] = [0, 1, 2].map(|index| format!("id={}", id_of(&todos[index])));
    assert_eq!(found(&ann, &one), ["one"]);
    assert_eq!(found(&ann, &format!("{three}&{one}&{three}&id={}", id_of(&his))), ["one", "three"]);
    assert_eq!(found(&ann, &format!("{one}&{two}&q=w")), ["two"]);
    assert!(found(&ann, &format!("id={}", id_of(&his))).is_empty());
    // A cursor works with the same ids in any order, but not with others.
    let first = ann.get(format!("{TODOS}?limit=1&{one}&{two}")).expect(200);
    let next = format!("cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(ann.titles(format!("{TODOS}?{next}&{two}&{one}")), ["one"]);
    ann.get(format!("{TODOS}?{next}&{one}&{three}")).expect_invalid_fields(&["cursor"]);
    ann.get(format!("{TODOS}?{next}")).expect_invalid_fields(&["cursor"]);
    // At most 200 ids.
    let many = vec![one.as_str(); 200].join("&");
    assert_eq!(found(&ann, &many), ["one"]);
    let messages = ann.get(format!("{TODOS}?{many}&{two}")).expect_invalid_fields(&["id"]);
    assert_eq!(messages, ["must be given at most 200 times"]);
}
