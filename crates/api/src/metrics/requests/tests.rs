//! Requests against the application, and what is recorded about them.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use prometheus_client::encoding::text::encode;
use todo_domain::RepositoryError;

use super::*;
use crate::http::envelope::{Recorders, envelope};
use crate::identity::AuthMode;
use crate::metrics::Metrics;

const CAUSES: Causes =
    Causes { names: &["known"], name: |error| (error.to_string() == "known").then_some("known") };

fn metrics() -> Metrics {
    Metrics::new(TcpListener::bind("127.0.0.1:0").unwrap(), 100, CAUSES)
}

fn text(metrics: &Metrics) -> String {
    let mut text = String::new();
    encode(&mut text, &metrics.registry).unwrap();
    text
}

/// Sends requests to an application with a route that answers with an error, or with the status in its path.
async fn send(metrics: &Metrics, requests: impl IntoIterator<Item = TestRequest>) {
    let recorder = metrics.requests();
    let status = |path: web::Path<u16>| async move {
        HttpResponse::build(StatusCode::from_u16(path.into_inner()).unwrap()).finish()
    };
    let fail = |path: web::Path<String>| async move {
        Err::<&str, _>(ApiError::from(match path.as_str() {
            "internal" => RepositoryError::internal("known"),
            cause => RepositoryError::unavailable(cause),
        }))
    };
    let recorders = Recorders { metrics: Some(recorder), traces: None };
    let app = App::new()
        .route("/api/v1/todos/{todo_id}", web::route().to(status))
        .route("/docs/{file:.*}", web::route().to(fail))
        .wrap(from_fn(move |request, next| envelope(request, next, recorders.clone())));
    let app = init_service(app).await;
    for request in requests {
        call_service(&app, request.to_request()).await;
    }
}

#[actix_web::test]
async fn requests_are_counted_by_route_method_and_status() {
    let metrics = metrics();
    let get = || TestRequest::with_uri("/api/v1/todos/200");
    send(&metrics, [get(), get(), get().method(Method::PUT), TestRequest::with_uri("/nowhere")])
        .await;
    let text = text(&metrics);
    for (route, method, status, count) in [
        ("/api/v1/todos/{todo_id}", "GET", "200", 2),
        ("/api/v1/todos/{todo_id}", "PUT", "200", 1),
        ("unmatched", "GET", "404", 1),
    ] {
        let line = format!(
            "http_server_request_duration_seconds_count{{http_route=\"{route}\",http_request_method=\"{method}\",\
             http_response_status_code=\"{status}\"}} {count}\n"
        );
        assert!(text.contains(&line), "{line} is not in {text}");
    }
}

#[actix_web::test]
async fn a_503_is_counted_by_its_cause() {
    let metrics = metrics();
    let paths =
        ["/docs/known", "/docs/known", "/docs/unknown", "/docs/internal", "/api/v1/todos/503"];
    send(&metrics, paths.map(TestRequest::with_uri)).await;
    let text = text(&metrics);
    for (cause, count) in [("known", 2), ("other", 2), (SHUTTING_DOWN, 0), (TOO_MANY_STREAMS, 0)] {
        let line =
            format!("http_server_unavailable_responses_total{{error_type=\"{cause}\"}} {count}\n");
        assert!(text.contains(&line), "{line} is not in {text}");
    }
}

#[test]
fn the_servers_own_causes_are_told_apart() {
    let metrics = metrics();
    metrics.requests.count_unavailable(Some(&ApiError::Unavailable(ShuttingDown.into())));
    metrics.requests.count_unavailable(Some(&ApiError::Unavailable(TooManyStreams.into())));
    let retry_after = Duration::from_secs(1);
    metrics.requests.count_unavailable(Some(&ApiError::KeysUnavailable { retry_after }));
    let counts: Vec<_> = metrics.requests.shared.unavailable.iter().collect();
    let counts: Vec<_> = counts.iter().map(|(_, it)| it.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [0, 1, 1, 1, 0], "{:?}", metrics.requests.shared.unavailable);
}

#[actix_web::test]
async fn unusual_methods_and_statuses_share_a_label() {
    let metrics = metrics();
    let requests = (0..50).flat_map(|number| {
        let path = format!("/api/v1/todos/{}", 430 + number);
        let method = Method::from_bytes(format!("METHOD{number}").as_bytes()).unwrap();
        [TestRequest::with_uri(&path), TestRequest::with_uri("/").method(method)]
    });
    send(&metrics, requests).await;
    let text = text(&metrics);
    let series: BTreeSet<_> =
        text.lines().filter(|it| it.contains("duration_seconds_count")).collect();
    assert_eq!(series.len(), 2, "{series:?}");
    assert!(!text.contains("METHOD1"), "{text}");
}

#[test]
fn every_operation_of_the_api_has_a_label() {
    let document: serde_json::Value =
        serde_json::from_str(&crate::openapi::json(AuthMode::Jwt)).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(ROUTES.contains(&path.as_str()), "add {path} to ROUTES");
        for (method, operation) in item.as_object().unwrap() {
            let Some(responses) = operation["responses"].as_object() else { continue };
            assert!(METHODS.contains(&method.to_uppercase().as_str()), "add {method} to METHODS");
            for status in responses.keys() {
                assert!(STATUSES.contains(&status.as_str()), "add {status} to STATUSES");
            }
        }
    }
}
