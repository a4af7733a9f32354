//! `GET /demo/`: the example page `examples/offline-todo`, with all files embedded in the binary.

use std::sync::LazyLock;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::ApiError;
use crate::http::assets::{Asset, CSS, HTML, JAVASCRIPT, Page};
use crate::http::routing::get_only;

/// The files of the page, built by `npm run build` in `examples/offline-todo`.
static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let files = [
        ("index.html", Asset::embedded(HTML, include_bytes!("demo/index.html"))),
        ("demo.css", Asset::embedded(CSS, include_bytes!("demo/demo.css"))),
        ("demo.js", Asset::embedded(JAVASCRIPT, include_bytes!("demo/demo.js"))),
        ("sw.js", Asset::embedded(JAVASCRIPT, include_bytes!("demo/sw.js"))),
    ];
    files.into_iter().collect()
});

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/demo", web::route().to(to_page));
    get_only(config, "/demo/{file:.*}", web::route().to(file));
}

/// Redirects to the page, which is a directory: its service worker serves only what is below the directory it is in.
async fn to_page(request: HttpRequest) -> HttpResponse {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, format!("/demo/{query}"))).finish()
}

async fn file(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    PAGE.respond(&request, &name)
}
