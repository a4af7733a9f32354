//! `GET /health` and `GET /health/ready`, without failures.

use serde_json::json;

use crate::support::Api;

pub(crate) fn the_server_is_healthy(api: Api) {
    assert_eq!(api.anonymous().get("/health").expect(200), json!({"status": "healthy"}));
    assert!(api.anonymous().head("/health").body.is_empty());
}

pub(crate) fn the_service_is_ready(api: Api) {
    assert_eq!(api.anonymous().get("/health/ready").expect(200), json!({"status": "ready"}));
    assert_eq!(api.anonymous().head("/health/ready").status, 200);
}
