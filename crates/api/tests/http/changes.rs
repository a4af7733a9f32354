//! `GET /api/v1/todos/changes`, and what remains of deleted todos.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Client, TODOS, id_of, path_of, todo_path};

pub(crate) const CHANGES: &str = "/api/v1/todos/changes";

pub(crate) fn changes(client: &Client<'_>, query: &str) -> Value {
    client.get(format!("{CHANGES}?{query}")).expect(200)
}

pub(crate) fn since(client: &Client<'_>, page: &Value, limit: u32) -> Value {
    let token = page["next"].as_str().unwrap();
    changes(client, &format!("since={token}&limit={limit}"))
}

#[track_caller]
fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(id_of).collect()
}

pub(crate) fn a_client_stays_in_step(api: Api) {
    let ann = api.user();
    let empty = changes(&ann, "");
    assert_eq!((&empty["items"], &empty["deleted"]), (&json!([]), &json!([])));
    assert_eq!(empty["has_more"], false);
    let todos = ["one", "two", "three"].map(|title| ann.create(title));
    let first = changes(&ann, "limit=2");
    assert_eq!(first["items"], json!(todos[..2]));
    assert_eq!((first["has_more"].as_bool(), &first["deleted"]), (Some(true), &json!([])));
    let rest = since(&ann, &first, 2);
    assert_eq!((&rest["items"], &rest["has_more"]), (&json!([todos[2]]), &json!(false)));
    let nothing = since(&ann, &rest, 500);
    assert_eq!((&nothing["items"], &nothing["next"]), (&json!([]), &rest["next"]));

    let renamed = ann.patch(path_of(&todos[0]), &json!({"title": "ONE"})).expect(200);
    ann.delete(path_of(&todos[1])).expect(204);
    let page = since(&ann, &rest, 500);
    assert_eq!(page["items"], json!([renamed]));
    let deleted = &page["deleted"][0];
    assert_eq!((id_of(deleted), deleted["version"].as_u64()), (id_of(&todos[1]), Some(1)));
    assert!(deleted["deleted_at"].as_str() > renamed["updated_at"].as_str());
    assert_eq!(deleted.as_object().unwrap().len(), 3, "no text is kept");
    // The token of one who knew nothing is valid, too.
    assert_eq!(ids(&since(&ann, &empty, 500)["items"]), [id_of(&todos[2]), id_of(&todos[0])]);
}

pub(crate) fn another_users_token_is_rejected(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let hers = ann.create("Ann's");
    let token = changes(&ann, "")["next"].as_str().unwrap().to_owned();
    bob.get(format!("{CHANGES}?since={token}")).expect_invalid_fields(&["since"]);
    for damaged in ["x", &token[1..], &format!("{token}A")] {
        ann.get(format!("{CHANGES}?since={damaged}")).expect_invalid_fields(&["since"]);
    }
    ann.get(format!("{CHANGES}?limit=501&until=now")).expect_invalid_fields(&["limit", "until"]);
    assert_eq!(changes(&ann, "since=")["items"], json!([hers]), "an empty token is none");
    assert_eq!(changes(&bob, "")["items"], json!([]));
}

/// A page of long texts is bounded in bytes.
pub(crate) fn a_page_of_long_todos_is_short(api: Api) {
    let ann = api.user();
    let long = "\u{1F600}".repeat(2_000);
    for number in 0..40 {
        let body = json!({"title": number.to_string(), "description": long});
        ann.post(&body).expect(201);
    }
    let mut page = changes(&ann, "limit=500");
    let mut seen = ids(&page["items"]).len();
    assert!((1..40).contains(&seen), "{seen} todos");
    while page["has_more"] == true {
        page = since(&ann, &page, 500);
        seen += ids(&page["items"]).len();
    }
    assert_eq!(seen, 40);
}

pub(crate) fn a_deleted_todo_is_put_back_in_its_old_place(api: Api) {
    let ann = api.user();
    let todos = ["one", "two", "three"].map(|title| ann.create(title));
    let path = path_of(&todos[1]);
    ann.patch(path.as_str(), &json!({"is_completed": true})).expect(200);
    ann.delete(path.as_str()).expect(204);
    let body = json!({"title": "two", "description": null, "is_completed": false});
    let only_create = ann.call("PUT", path.as_str()).header("If-None-Match", "*").json(&body);
    let refused = only_create.send();
    assert_eq!(refused.expect(412)["current"], Value::Null);
    ann.get(path.as_str()).expect(404);
    let back = ann.put(path.as_str(), &body);
    assert_eq!(back.header("etag"), Some("\"3\""));
    let back = back.expect(201);
    assert_eq!((&back["version"], &back["created_at"]), (&json!(3), &todos[1]["created_at"]));
    assert_eq!(ann.titles(TODOS), ["three", "two", "one"]);
    // A todo of an id that was never used has no past.
    let other = todo_path(&Uuid::new_v4().to_string());
    assert_eq!(ann.put(other, &body).expect(201)["version"], 1);
}
