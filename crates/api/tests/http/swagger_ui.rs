//! `GET /docs`: Swagger UI, served from the binary.

use crate::compression::unzipped;
use crate::support::{Api, Response};

fn page(api: &Api, target: &str) -> Response {
    let response = api.anonymous().get(target);
    assert_eq!(response.status, 200, "{target}");
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    response
}

/// The URLs that a page loads.
fn references(html: &str) -> Vec<String> {
    let mut found: Vec<_> = [" src=\"", " href=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    found.sort();
    found
}

/// Resolves a reference like a browser.
fn resolved(base: &str, reference: &str) -> String {
    assert!(!reference.contains("//"), "{reference} is on another host");
    let folder = &base[..=base.rfind('/').unwrap()];
    match reference.strip_prefix('/') {
        Some(_) => reference.to_owned(),
        None => format!("{folder}{}", reference.trim_start_matches("./")),
    }
}

pub(crate) fn every_asset_is_served_by_the_server(api: Api) {
    for base in ["/docs", "/docs/", "/docs/index.html"] {
        let html = page(&api, base);
        assert!(html.header("content-type").unwrap().starts_with("text/html"));
        let references = references(&html.text());
        assert!(references.len() >= 5, "{references:?}");
        for reference in references {
            let target = resolved(base, &reference);
            assert!(target.starts_with("/docs/") || target == "/favicon.ico", "{target}");
            let asset = page(&api, &target);
            let expected = match target.rsplit('.').next() {
                Some("css") => "text/css",
                Some("js") => "text/javascript",
                Some("ico") => "image/x-icon",
                other => panic!("{other:?} of {target} is new"),
            };
            assert!(asset.header("content-type").unwrap().starts_with(expected), "{target}");
            assert!(!asset.body.is_empty(), "{target}");
        }
    }
}

pub(crate) fn the_page_has_its_own_title_and_no_explore_bar(api: Api) {
    let html = page(&api, "/docs").text();
    assert!(html.contains("<title>Todo API</title>"), "{html}");
    // The standalone layout has the Explore bar.
    assert!(!html.contains("standalone"), "{html}");
}

pub(crate) fn the_page_loads_only_this_servers_description(api: Api) {
    let script = page(&api, "/docs/swagger-initializer.js").text();
    assert!(script.contains(r#"url: "/openapi.json""#), "{script}");
    assert!(script.contains("validatorUrl: null"), "{script}");
    assert!(script.contains("persistAuthorization: true"), "{script}");
    assert!(!script.contains("://"), "{script}");
}

pub(crate) fn the_root_redirects_to_the_page(api: Api) {
    for method in ["GET", "HEAD"] {
        let response = api.raw(method, "/").send();
        assert_eq!(
            (response.status, response.header("location")),
            (307, Some("/docs")),
            "{method}"
        );
    }
}

pub(crate) fn assets_are_compressed_and_revalidated(api: Api) {
    let files = [
        "/openapi.json",
        "/docs",
        "/favicon.ico",
        "/docs/index.css",
        "/docs/swagger-initializer.js",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
    ];
    for file in files {
        let ask = |header: &str, value: &str| {
            let response = api.anonymous().call("GET", file).header(header, value).send_unchecked();
            assert_eq!(response.header("cache-control"), Some("public, no-cache"), "{file}");
            assert!(response.header_list("vary").contains(&"accept-encoding".to_owned()), "{file}");
            response
        };
        let plain = ask("Accept-Encoding", "identity");
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{file}");
        let short = ask("Accept-Encoding", "br, gzip");
        assert_eq!((short.status, short.header("content-encoding")), (200, Some("gzip")), "{file}");
        assert!(unzipped(&short.body) == plain.body, "{file}");
        if plain.body.len() > 10_000 {
            assert!(short.body.len() < plain.body.len() / 3, "{file}: {}", short.body.len());
        }
        // Other bytes, another strong tag.
        assert_ne!(plain.header("etag"), short.header("etag"), "{file}");
        for (sent, encoding) in [(&plain, "identity"), (&short, "gzip")] {
            let tag = sent.header("etag").unwrap();
            assert!(tag.starts_with('"'), "{file}: {tag}");
            let call = api.anonymous().call("GET", file).header("Accept-Encoding", encoding);
            let response = call.header("If-None-Match", &format!("\"x\", {tag}")).send_unchecked();
            assert_eq!((response.status, response.body.len()), (304, 0), "{file}");
            assert_eq!(response.header("etag"), Some(tag), "{file}");
        }
        assert_eq!(ask("If-None-Match", "\"x\"").status, 200, "{file}");
    }
}

pub(crate) fn the_description_is_served_as_json(api: Api) {
    let response = api.anonymous().get("/openapi.json");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.json(), api.description.document);
}
