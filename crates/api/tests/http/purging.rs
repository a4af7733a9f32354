//! `DELETED_RETENTION`: how long tombstones are kept.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use todo_test_support::database::TestDatabase;

use crate::changes::{CHANGES, changes, since};
use crate::support::{Api, path_of};

pub(crate) fn a_purged_deletion_expires_the_token(database: TestDatabase) {
    let api = Api::start(database, &[("DELETED_RETENTION", "1s")]);
    let ann = api.user();
    let kept = ann.create("Kept");
    let path = path_of(&ann.create("Deleted"));
    let token = changes(&ann, "")["next"].as_str().unwrap().to_owned();
    ann.delete(path.as_str()).expect(204);
    let target = format!("{CHANGES}?since={token}");
    let mut tries = 0;
    let expired = loop {
        let response = ann.get(target.as_str());
        if response.status != 200 {
            break response;
        }
        tries += 1;
        assert!(tries < 600, "the tombstone is not purged");
        sleep(Duration::from_millis(100));
    };
    let detail = "The token has expired: synchronize again without `since`, then drop the todos that were not returned";
    expired.expect_error(410, "SYNC_TOKEN_EXPIRED", detail);
    let whole = changes(&ann, "");
    assert_eq!((&whole["items"], &whole["deleted"]), (&json!([kept]), &json!([])));
    since(&ann, &whole, 1);
    // Nothing is left of it.
    let body = json!({"title": "anew", "description": null, "is_completed": false});
    let only_create = ann.call("PUT", path).header("If-None-Match", "*").json(&body);
    assert_eq!(only_create.send().expect(201)["version"], 1);
}
