//! `DATABASE_EVENTS_URL`: how processes tell each other of changes at once.

use std::sync::Arc;

use todo_api::settings::Settings;
use todo_domain::ChangeRelay;
use todo_infrastructure::{DatabaseUrl, change_relay};

/// The relay, if the setting is set.
///
/// # Errors
/// A one-line message without the URL, if it or the database is not Postgres.
pub(crate) fn relay(
    settings: &Settings,
    database: &DatabaseUrl,
) -> Result<Option<Arc<dyn ChangeRelay>>, String> {
    let Some(url) = &settings.database_events_url else { return Ok(None) };
    let url = url.parse().map_err(|error| format!("DATABASE_EVENTS_URL: {error}"))?;
    match (change_relay(&url), database) {
        (Some(relay), DatabaseUrl::Postgres(_)) => Ok(Some(relay)),
        _ => Err("DATABASE_EVENTS_URL: both this and DATABASE_URL must be Postgres".to_owned()),
    }
}
