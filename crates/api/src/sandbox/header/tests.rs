use actix_web::http::header::HeaderValue;

use super::*;

fn parse(values: &[&'static str]) -> Result<Option<FaultRequest>, String> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(X_SANDBOX, HeaderValue::from_static(value));
    }
    FaultRequest::from_headers(&headers).map_err(|error| match error {
        ApiError::Invalid(errors) => {
            assert!(errors.iter().all(|it| it.field == "X-Sandbox"), "{errors:?}");
            errors[0].message.clone()
        }
        other => panic!("{other:?}"),
    })
}

#[test]
fn each_fault_can_be_requested_alone_and_with_others() {
    assert_eq!(parse(&[]), Ok(None));
    let latency = "3s".parse().ok();
    let of = |status, latency, loses_response| {
        Ok(Some(FaultRequest { status, latency, loses_response }))
    };
    assert_eq!(parse(&["status=503"]), of(Some(503), None, false));
    assert_eq!(parse(&["latency=3s"]), of(None, latency, false));
    assert_eq!(parse(&["lose-answer"]), of(None, None, true));
    assert_eq!(parse(&["lose-answer , latency = 3s"]), of(None, latency, true));
    assert_eq!(parse(&["latency=3s", "status=404"]), of(Some(404), latency, false));
    assert_eq!(parse(&["latency=1s..2s"]), of(None, "1s..2s".parse().ok(), false));
}

#[test]
fn an_invalid_header_is_rejected_with_the_valid_forms() {
    for value in ["", "lose", "lose-answer=1", "status", "503", "status=503,", "Status=503"] {
        let problem = parse(&[value]).unwrap_err();
        for form in ["status=N", "latency=3s", "lose-answer", "400, 404", "500 or 503"] {
            assert!(problem.contains(form), "{value}: {problem}");
        }
    }
    for value in ["status=200", "status=418", "status=", "status=5xx", "status=999999"] {
        assert!(parse(&[value]).unwrap_err().contains("status must be 400, 404"), "{value}");
    }
    for value in ["latency=61s", "latency=", "latency=2s..1s"] {
        assert!(parse(&[value]).unwrap_err().contains("latency must be a duration"), "{value}");
    }
    for values in [&["status=404,status=503"][..], &["lose-answer", "lose-answer"]] {
        assert!(parse(values).unwrap_err().contains("once"), "{values:?}");
    }
    let mut headers = HeaderMap::new();
    headers.append(X_SANDBOX, HeaderValue::from_bytes(b"lose-answer\xFF").unwrap());
    assert!(FaultRequest::from_headers(&headers).is_err());
}

#[test]
fn an_error_has_the_requested_status() {
    for status in STATUSES {
        assert_eq!(error(status).status_and_code().0.as_u16(), status);
    }
}
