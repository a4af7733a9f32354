//! Internal errors.

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, database};

pub(crate) fn an_internal_error_is_explained_only_in_the_log(api: Api) {
    let ann = api.user();
    let todo = ann.create("Doomed")["id"].as_str().unwrap().to_owned();
    database::execute(api.database.as_ref().unwrap(), "DROP TABLE todos");

    // A stream needs the clock only.
    for operation in api.database_operations().iter().filter(|it| it.id != "streamEvents") {
        let id = Uuid::new_v4().to_string();
        let call = operation.call(&ann, &todo).header("X-Request-ID", &id);
        let response = call.send_unchecked();
        let expected = json!({
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "An unexpected error occurred",
            "error_code": "SERVER_ERROR",
            "field_errors": [],
            "request_id": id,
        });
        assert_eq!(response.expect(500), expected, "{}", operation.id);
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.header("x-request-id"), Some(id.as_str()));

        let line = api.log_line(&id);
        assert_eq!(line["level"], "ERROR", "{line}");
        assert_eq!(line["fields"]["method"], operation.method, "{line}");
        assert!(line["fields"]["causes"].as_str().unwrap().contains("todos"), "{line}");
    }
    // The server still works.
    api.anonymous().get("/health").expect(200);
}
