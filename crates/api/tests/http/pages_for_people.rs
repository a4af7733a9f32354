//! `GET /docs`: Swagger UI, all of it from the binary.

use crate::support::{Answer, Api, unzipped};

fn page(api: &Api, target: &str) -> Answer {
    let answer = api.nobody().get(target);
    assert_eq!(answer.status, 200, "{target}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains("unsafe"), "{policy}");
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

pub(crate) fn the_page_has_a_title_of_its_own_and_no_bar(api: Api) {
    let html = page(&api, "/docs").text();
    assert!(html.contains("<title>Todo API</title>"), "{html}");
    // What brings the bar in which another description can be chosen.
    assert!(!html.contains("standalone"), "{html}");
}

pub(crate) fn the_page_shows_our_own_description_and_asks_nobody_else(api: Api) {
    let script = page(&api, "/docs/swagger-initializer.js").text();
    assert!(script.contains(r#"url: "/openapi.json""#), "{script}");
    assert!(script.contains("validatorUrl: null"), "{script}");
    assert!(script.contains("persistAuthorization: true"), "{script}");
    assert!(!script.contains("://"), "{script}");
}

pub(crate) fn a_browser_that_was_given_the_servers_name_alone_is_sent_to_the_page(api: Api) {
    for method in ["GET", "HEAD"] {
        let answer = api.raw(method, "/").send();
        assert_eq!((answer.status, answer.header("location")), (307, Some("/docs")), "{method}");
    }
}

pub(crate) fn a_file_is_sent_once_and_compressed_to_who_asks(api: Api) {
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
            let answer = api.nobody().call("GET", file).header(header, value).send_unchecked();
            assert_eq!(answer.header("cache-control"), Some("public, no-cache"), "{file}");
            assert!(answer.listed("vary").contains(&"accept-encoding".to_owned()), "{file}");
            answer
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
            let call = api.nobody().call("GET", file).header("Accept-Encoding", encoding);
            let answer = call.header("If-None-Match", &format!("\"x\", {tag}")).send_unchecked();
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{file}");
            assert_eq!(answer.header("etag"), Some(tag), "{file}");
        }
        assert_eq!(ask("If-None-Match", "\"x\"").status, 200, "{file}");
    }
}

pub(crate) fn the_description_is_served_as_json(api: Api) {
    let answer = api.nobody().get("/openapi.json");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), api.description.document);
}
