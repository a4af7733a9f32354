//! How both adapters read a list: in parts, with the time of the owner's last change.

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use todo_domain::{Listed, PageQuery, UserId};

/// When any todo of each user last changed.
type ChangeTimes = Vec<(UserId, DateTime<Utc>)>;

/// The parts of a list, as [`PageQuery::parts`] defines them. `list_part` reads one of them, and the time, if it finds a
/// todo; `changed_at_of` reads the time alone.
pub(crate) fn list_in_parts<C>(
    connection: &mut C,
    user: UserId,
    query: &PageQuery,
    list_part: fn(&mut C, UserId, &PageQuery) -> QueryResult<Listed>,
    changed_at_of: fn(&mut C, &[UserId]) -> QueryResult<ChangeTimes>,
) -> QueryResult<Listed> {
    let parts = query.parts();
    if let [part] = &parts[..] {
        let listed = list_part(connection, user, part)?;
        if !listed.todos.is_empty() {
            return Ok(listed);
        }
    }
    // No row tells the time. It must not be later than what the list shows, so it is read before.
    let changed_at = changed_at_of(connection, &[user])?.pop().map(|(_, at)| at);
    let mut todos = Vec::new();
    for part in parts {
        let limit = query.limit.saturating_sub(u32::try_from(todos.len()).unwrap_or(u32::MAX));
        if limit == 0 {
            break;
        }
        todos.extend(list_part(connection, user, &PageQuery { limit, ..part })?.todos);
    }
    Ok(Listed { todos, changed_at })
}
