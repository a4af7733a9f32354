//! `GET /openapi.json` and `GET /docs`, all from the binary.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::error::ApiError;
use crate::http::routing::get_only;
use crate::openapi;

/// What the page may load: its own files, and the pictures that its style sheet holds. Swagger UI sets styles
/// from its script.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
     object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is served, made once for all threads of the server.
#[derive(Clone)]
pub struct Docs {
    openapi: Bytes,
    config: Arc<Config<'static>>,
}

impl Docs {
    /// The API description as JSON, and a Swagger UI that shows it; with a note, in Markdown, at the end of its
    /// introduction.
    #[must_use]
    pub fn new(note: Option<&str>) -> Self {
        let config = Config::from("/openapi.json")
            .try_it_out_enabled(true)
            .display_request_duration(true)
            .display_operation_id(true)
            .deep_linking(true)
            // Its own check would send the description to a site of its maker's.
            .validator_url("none");
        Self { openapi: Bytes::from(openapi::json_with(note)), config: Arc::new(config) }
    }
}

impl Default for Docs {
    fn default() -> Self {
        Self::new(None)
    }
}

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/openapi.json", web::route().to(openapi_json));
    get_only(config, "/docs", web::route().to(page));
    get_only(config, "/docs/{file:.*}", web::route().to(file));
}

async fn openapi_json(docs: web::Data<Docs>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(docs.openapi.clone())
}

/// The page without a slash at its end: its files are one folder down from there.
async fn page(docs: web::Data<Docs>) -> Result<HttpResponse, ApiError> {
    let (content_type, bytes) = asset(&docs, "index.html")?;
    let page = String::from_utf8_lossy(&bytes)
        .replace("=\"./", "=\"./docs/")
        .replace("=\"index.css", "=\"./docs/index.css");
    Ok(answer(&content_type, page.into()))
}

async fn file(docs: web::Data<Docs>, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let (content_type, bytes) = asset(&docs, &path)?;
    Ok(answer(&content_type, bytes))
}

fn asset(docs: &Docs, path: &str) -> Result<(String, Bytes), ApiError> {
    let file = utoipa_swagger_ui::serve(path, Arc::clone(&docs.config))
        .map_err(|error| ApiError::Internal(error.to_string().into()))?
        .ok_or(ApiError::RouteNotFound)?;
    Ok((file.content_type, Bytes::from(file.bytes.into_owned())))
}

fn answer(content_type: &str, bytes: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(bytes)
}
