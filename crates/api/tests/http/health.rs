//! `GET /health` and `GET /health/ready`, while all is well.

use serde_json::json;

use crate::support::Api;

pub(crate) fn the_process_is_up(api: Api) {
    assert_eq!(api.nobody().get("/health").expect(200), json!({"status": "healthy"}));
    assert!(api.nobody().head("/health").body.is_empty());
}

pub(crate) fn the_service_is_ready(api: Api) {
    assert_eq!(api.nobody().get("/health/ready").expect(200), json!({"status": "ready"}));
    assert_eq!(api.nobody().head("/health/ready").status, 200);
}
