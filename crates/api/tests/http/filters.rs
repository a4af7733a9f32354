//! `is_completed` and `q`.

use serde_json::json;

use crate::support::{Api, Client, TODOS, escaped, path_of};

fn found(client: &Client<'_>, query: &str) -> Vec<String> {
    let mut titles = client.titles(format!("{TODOS}?{query}"));
    titles.sort();
    titles
}

fn q(term: &str) -> String {
    format!("q={}", escaped(term))
}

pub(crate) fn todos_are_filtered_by_completion(api: Api) {
    let ann = api.user();
    let todo = ann.create("Done");
    ann.create("Open");
    ann.patch(path_of(&todo), &json!({"is_completed": true})).expect(200);
    assert_eq!(found(&ann, "is_completed=true"), ["Done"]);
    assert_eq!(found(&ann, "is_completed=false"), ["Open"]);
    // A change is seen by the very next read.
    ann.patch(path_of(&todo), &json!({"is_completed": false})).expect(200);
    assert_eq!(found(&ann, "is_completed=false"), ["Done", "Open"]);
    assert!(found(&ann, "is_completed=true").is_empty());
}

pub(crate) fn a_term_is_found_anywhere_in_whatever_case(api: Api) {
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

pub(crate) fn an_empty_term_is_no_filter(api: Api) {
    let ann = api.user();
    ann.create("One");
    ann.create("Two words");
    assert_eq!(found(&ann, "q="), ["One", "Two words"]);
    // A plus is a space, as in every query string.
    assert_eq!(found(&ann, "q=two+w"), ["Two words"]);
    assert_eq!(found(&ann, "q=%20"), ["Two words"]);
}

pub(crate) fn filters_join(api: Api) {
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
