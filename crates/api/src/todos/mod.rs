//! The routes below `/api/v1/todos`, one file per operation.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web;

use crate::http::envelope::catch_panics;
use crate::http::routing::{get_only, get_or_head, method_not_allowed};

pub mod bulk;
pub mod changes;
pub mod create;
pub mod cursor;
pub mod delete;
pub mod dto;
pub mod errors;
pub mod events;
pub mod get;
pub mod json;
pub mod list;
pub mod params;
pub mod put;
pub mod stats;
pub mod stream;
pub mod stream_limit;
pub mod sync_token;
pub mod update;

/// The path of the collection.
pub const TODOS_PATH: &str = "/api/v1/todos";

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/api/v1/todos/stats", web::route().to(stats::todo_stats));
    get_only(config, "/api/v1/todos/changes", web::route().to(changes::list_changes));
    get_only(config, "/api/v1/todos/events", web::route().to(events::stream_events));
    config
        .service(
            web::resource([TODOS_PATH, "/api/v1/todos/"])
                .route(web::route().guard(get_or_head()).to(list::list_todos))
                .route(web::post().to(create::create_todo))
                .route(web::patch().to(bulk::update_todos))
                .route(web::delete().to(bulk::delete_todos))
                .default_service(method_not_allowed(&[
                    Method::GET,
                    Method::HEAD,
                    Method::POST,
                    Method::PATCH,
                    Method::DELETE,
                ]))
                .wrap(from_fn(catch_panics)),
        )
        .service(
            web::resource("/api/v1/todos/{todo_id}")
                .route(web::route().guard(get_or_head()).to(get::get_todo))
                .route(web::put().to(put::put_todo))
                .route(web::patch().to(update::update_todo))
                .route(web::delete().to(delete::delete_todo))
                .default_service(method_not_allowed(&[
                    Method::GET,
                    Method::HEAD,
                    Method::PUT,
                    Method::PATCH,
                    Method::DELETE,
                ]))
                .wrap(from_fn(catch_panics)),
        );
}
