//! Defects: what nobody foresaw.

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, database};

pub(crate) fn a_defect_says_nothing_of_the_inside_but_the_log_does(api: Api) {
    let ann = api.user();
    let todo = ann.create("Doomed")["id"].as_str().unwrap().to_owned();
    database::execute(api.database.as_ref().unwrap(), "DROP TABLE todos");

    for operation in api.operations_of_users() {
        let id = Uuid::new_v4().to_string();
        let call = operation.call(&ann, &todo).header("X-Request-ID", &id);
        let answer = call.send_unchecked();
        let expected = json!({
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "An unexpected error occurred",
            "error_code": "SERVER_ERROR",
            "field_errors": [],
            "request_id": id,
        });
        assert_eq!(answer.expect(500), expected, "{}", operation.id);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("x-request-id"), Some(id.as_str()));

        let line = api.logged(&id);
        assert_eq!(line["level"], "ERROR", "{line}");
        assert_eq!(line["fields"]["method"], operation.method, "{line}");
        assert!(line["fields"]["causes"].as_str().unwrap().contains("todos"), "{line}");
    }
    // The server is none the worse for it.
    api.nobody().get("/health").expect(200);
}
