//! `GET /openapi.json` and `GET /docs`, with all files embedded in the binary. `/` redirects to `/docs`.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::LOCATION;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::error::ApiError;
use crate::http::assets::{Asset, CSS, HTML, JAVASCRIPT, Page};
use crate::http::routing::get_only;
use crate::identity::AuthMode;
use crate::openapi;

const FAVICON: &str = "favicon.ico";

/// The served files. Created once and shared by all threads.
#[derive(Clone)]
pub struct Docs {
    openapi: Arc<Asset>,
    page: Page,
}

impl Docs {
    /// Creates the OpenAPI document for this kind of authentication, and the Swagger UI that shows it. `note`, in
    /// Markdown, is appended to the document's introduction.
    #[must_use]
    pub fn new(mode: AuthMode, note: Option<&str>) -> Self {
        let own = [
            ("index.html", Asset::embedded(HTML, include_bytes!("docs/index.html"))),
            (
                "swagger-initializer.js",
                Asset::embedded(JAVASCRIPT, include_bytes!("docs/swagger-initializer.js")),
            ),
            (FAVICON, Asset::embedded("image/x-icon", include_bytes!("docs/favicon.ico"))),
        ];
        let vendored =
            [("swagger-ui-bundle.js", JAVASCRIPT), ("swagger-ui.css", CSS), ("index.css", CSS)];
        let vendored = vendored
            .into_iter()
            .filter_map(|(name, content_type)| Some((name, swagger_ui_file(name, content_type)?)));
        let openapi = openapi::json_with(mode, note);
        Self {
            openapi: Arc::new(Asset::new("application/json", openapi.into(), false)),
            page: own.into_iter().chain(vendored).collect(),
        }
    }
}

impl Default for Docs {
    fn default() -> Self {
        Self::new(AuthMode::Header, None)
    }
}

/// A file of the Swagger UI distribution.
fn swagger_ui_file(name: &'static str, content_type: &'static str) -> Option<Asset> {
    // The configuration affects only the initializer script, which is replaced by our own.
    let file = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok().flatten()?;
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Some(Asset::new(content_type, bytes, file.gzpipped))
}

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/", web::route().to(to_docs));
    get_only(config, "/favicon.ico", web::route().to(favicon));
    get_only(config, "/openapi.json", web::route().to(openapi_json));
    get_only(config, "/docs", web::route().to(page));
    get_only(config, "/docs/{file:.*}", web::route().to(file));
}

/// Redirects to the page.
async fn to_docs() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, "/docs")).finish()
}

async fn favicon(request: HttpRequest, docs: web::Data<Docs>) -> Result<HttpResponse, ApiError> {
    docs.page.respond(&request, FAVICON)
}

async fn openapi_json(request: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    docs.openapi.respond(&request)
}

async fn page(request: HttpRequest, docs: web::Data<Docs>) -> Result<HttpResponse, ApiError> {
    docs.page.respond(&request, "")
}

async fn file(
    request: HttpRequest,
    docs: web::Data<Docs>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    docs.page.respond(&request, &name)
}
