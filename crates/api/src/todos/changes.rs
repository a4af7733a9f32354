//! `GET /api/v1/todos/changes`

use actix_web::dev::Payload;
use actix_web::http::header::ContentType;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use todo_domain::{SyncToken, TodoService, UserId};
use utoipa::IntoParams;

use super::dto::{ChangeList, DeletedTodo, TodoRead};
use super::params::parse_limit;
use super::{json, sync_token};
use crate::error::ApiError;
use crate::http::caller::{Extracting, identified};
use crate::http::query::Query;

/// The maximum number of changes on a page.
pub const MAX_CHANGES: u32 = 500;

/// The number of changes on a page without a `limit`.
const DEFAULT_CHANGES: u32 = 200;

/// The error message for an invalid `since`.
pub const SINCE_RULE: &str = "must be the next of an earlier response, to the same caller";

/// The page of the change feed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct ChangesParams {
    /// The `next` of an earlier response. Without it, the response is the whole state, in pages.
    #[param(required = false, max_length = 128)]
    since: String,
    /// The maximum number of changes in the response, todos and deletions together; 200 by default. A page of long todos
    /// has fewer.
    #[param(required = false, minimum = 1, maximum = 500)]
    limit: u32,
}

/// The parameters of the change feed.
#[derive(Debug)]
pub struct ChangesRequest {
    user: UserId,
    since: Option<SyncToken>,
    limit: u32,
}

impl ChangesRequest {
    fn parse(request: &HttpRequest, user: UserId) -> Result<Self, ApiError> {
        let mut query = Query::parse(request);
        let since = query.read("since", |text| match text {
            "" => Ok(None),
            text => sync_token::decode(user, text).map(Some).ok_or(SINCE_RULE),
        });
        let limit = query.read("limit", |text| parse_limit(text, MAX_CHANGES));
        query.finish()?;
        Ok(Self { user, since: since.flatten(), limit: limit.unwrap_or(DEFAULT_CHANGES) })
    }
}

impl FromRequest for ChangesRequest {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        identified(request, |request, identity| Self::parse(request, identity.user))
    }
}

/// List changes
///
/// Returns what was changed and deleted after `since`, in the order of the changes, each todo once, as it is now.
/// Without `since`, the response is the whole state. Apply the changes to your copy, keep `next`, and send it as
/// `since`: immediately while `has_more` is true, later to learn what has changed in the meantime. No change is missed.
///
/// A token can be used any number of times. It expires when tombstones of deleted todos that it needs are purged, and
/// when the database is restored from a backup: the request then fails with 410. Ask again without `since`, and drop
/// the todos that are not returned.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/todos/changes",
    operation_id = "listChanges",
    tag = "todos",
    params(ChangesParams),
    responses((status = 200, description = "The changes.", body = ChangeList))
)]
pub async fn list_changes(
    request: ChangesRequest,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let ChangesRequest { user, since, limit } = request;
    let changes = service.changes(user, since, limit).await?;
    let list = ChangeList {
        items: changes.items.iter().map(TodoRead::from).collect(),
        deleted: changes.deleted.iter().map(DeletedTodo::from).collect(),
        next: &sync_token::encode(user, changes.next),
        has_more: changes.has_more,
    };
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json::to_string(&list)))
}
