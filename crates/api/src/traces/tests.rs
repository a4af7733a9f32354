//! What becomes of a request's span, whatever becomes of the request.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use todo_test_support::collector::{Collector, Span};

use super::*;

/// The spans that are sent for what happens.
fn sent(work: impl FnOnce(&Arc<Traces>)) -> Vec<Span> {
    let collector = Collector::start();
    let traces = Traces::start(TraceOptions {
        url: collector.endpoint(),
        headers: Vec::new(),
        service_name: "test".to_owned(),
        ratio: 1.0,
    });
    work(&traces);
    traces.stop();
    collector.spans()
}

fn begin(traces: &Arc<Traces>, request: &ServiceRequest) -> OpenSpan {
    traces.begin(request).unwrap().span.unwrap()
}

#[test]
fn a_request_that_is_dropped_was_cancelled() {
    let request = TestRequest::get().uri("/api/v1/todos?q=secret").to_srv_request();
    let spans = sent(|traces| drop(begin(traces, &request)));
    let [span] = spans.as_slice() else { panic!("{spans:#?}") };
    assert!(span.is_error);
    assert_eq!(span.attribute("error.type"), "cancelled");
    assert_eq!(span.attribute("url.path"), "/api/v1/todos");
    assert_eq!(span.attribute("http.response.status_code"), "");
}

#[test]
fn what_clients_send_makes_no_names() {
    let spans = sent(|traces| {
        for method in ["GET", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = TestRequest::with_uri("/anything").method(method).to_srv_request();
            let span = begin(traces, &request);
            span.end(&request.into_response(HttpResponse::NotFound()));
        }
    });
    let names: Vec<_> =
        spans.iter().map(|it| (it.name.as_str(), it.attribute("http.request.method"))).collect();
    assert_eq!(names, [("GET", "GET"), ("HTTP", "_OTHER")]);
    // A 4xx is the client's mistake, not the server's.
    assert!(spans.iter().all(|it| !it.is_error && it.attribute("http.route").is_empty()));
}

#[actix_web::test]
async fn only_what_handles_a_traced_request_is_within_it() {
    assert!(current().is_none());
    let request = TestRequest::default().to_srv_request();
    let traces = Traces::start(TraceOptions {
        url: "http://127.0.0.1:1".to_owned(),
        headers: Vec::new(),
        service_name: "test".to_owned(),
        ratio: 1.0,
    });
    let span = begin(&traces, &request);
    let (within, ()) = futures_util::future::join(
        span.handle(async {
            actix_web::rt::task::yield_now().await;
            current().is_some()
        }),
        async { assert!(current().is_none()) },
    )
    .await;
    assert!(within && current().is_none());
}
