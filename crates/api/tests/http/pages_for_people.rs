//! `GET /docs`: Swagger UI, all of it from the binary.

use crate::support::{Answer, Api};

fn page(api: &Api, target: &str) -> Answer {
    let answer = api.nobody().get(target);
    assert_eq!(answer.status, 200, "{target}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains("script-src"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    answer
}

/// What stands in the attributes of a page that load something.
fn references(html: &str) -> Vec<String> {
    let mut found: Vec<_> = [" src=\"", " href=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    found.sort();
    found
}

/// A reference as a browser resolves it.
fn resolved(base: &str, reference: &str) -> String {
    assert!(!reference.contains("//"), "{reference} is elsewhere");
    let folder = &base[..=base.rfind('/').unwrap()];
    match reference.strip_prefix('/') {
        Some(_) => reference.to_owned(),
        None => format!("{folder}{}", reference.trim_start_matches("./")),
    }
}

pub(crate) fn every_asset_of_the_page_is_served_from_here(api: Api) {
    for base in ["/docs", "/docs/", "/docs/index.html"] {
        let html = page(&api, base);
        assert!(html.header("content-type").unwrap().starts_with("text/html"));
        let references = references(&html.text());
        assert!(references.len() >= 5, "{references:?}");
        for reference in references {
            let target = resolved(base, &reference);
            assert!(target.starts_with("/docs/"), "{target}");
            let asset = page(&api, &target);
            let expected = match target.rsplit('.').next() {
                Some("css") => "text/css",
                Some("js") => "text/javascript",
                Some("png") => "image/png",
                other => panic!("{other:?} of {target} is new"),
            };
            assert!(asset.header("content-type").unwrap().starts_with(expected), "{target}");
            assert!(!asset.body.is_empty(), "{target}");
        }
    }
}

pub(crate) fn the_page_shows_our_own_description_and_asks_nobody_else(api: Api) {
    let script = page(&api, "/docs/swagger-initializer.js").text();
    assert!(script.contains(r#""url": "/openapi.json""#), "{script}");
    assert!(script.contains(r#""validatorUrl": "none""#), "{script}");
    assert!(!script.contains("://"), "{script}");
}

pub(crate) fn the_description_is_served_as_json(api: Api) {
    let answer = api.nobody().get("/openapi.json");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), api.description.document);
}
