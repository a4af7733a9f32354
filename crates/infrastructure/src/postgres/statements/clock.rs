//! Owners' clocks, tombstones, and the change feed.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::auto_type;
use diesel::expression::IntoSql;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{self, Array, Timestamptz};
use diesel::upsert::excluded;
use todo_domain::{
    Changes, FeedId, FeedPosition, OwnerClock, PageQuery, Sort, SortKey, SyncToken, TodoFilter,
    TodoId, Tombstone, UserId,
};
use uuid::Uuid;

use super::{list, owned_by};
use crate::postgres::schema::{feed, todos, tombstones, user_clocks};
use crate::sql::{Cached, Limited, comes_after};

/// How many owners one step of a purge looks at, and how many tombstones it removes.
const PURGED_AT_ONCE: u32 = 500;

/// Locks the clock first, as all writes of the owner do.
const PURGE: &str = "
    WITH clock AS (
        UPDATE user_clocks
        SET purged_at = greatest(purged_at, least($2, changed_at + interval '1 microsecond'))
        WHERE user_id = $1 RETURNING user_id
    )
    DELETE FROM tombstones
    WHERE user_id = (SELECT user_id FROM clock) AND id = ANY ($3) AND deleted_at < $2";

/// The time of a clock that was locked before the first change.
pub(super) const NEVER: DateTime<Utc> = DateTime::from_timestamp(-62_135_596_800, 0).unwrap();

/// The clock of a user, if it is later.
#[auto_type(type_case = "PascalCase")]
pub(super) fn clock_after(user: Uuid, time: DateTime<Utc>) -> _ {
    user_clocks::table
        .filter(user_clocks::user_id.eq(user))
        .filter(user_clocks::changed_at.gt(time))
}

/// Locks the user's clock until the end of the transaction. Returns the time for the next change: `now`, or later.
pub(in crate::postgres) fn lock_clock(
    connection: &mut PgConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<DateTime<Utc>> {
    let statement = diesel::insert_into(user_clocks::table)
        .values((user_clocks::user_id.eq(user.0), user_clocks::changed_at.eq(NEVER)))
        .on_conflict(user_clocks::user_id)
        .do_update()
        .set(user_clocks::user_id.eq(excluded(user_clocks::user_id)))
        .returning(user_clocks::changed_at);
    let last: DateTime<Utc> = Cached(statement).get_result(connection)?;
    Ok(now.max(last + TimeDelta::microseconds(1)))
}

/// When any todo of each user last changed.
pub(in crate::postgres) fn changed_at_of(
    connection: &mut PgConnection,
    users: &[UserId],
) -> QueryResult<Vec<(UserId, DateTime<Utc>)>> {
    let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let clocks = user_clocks::table
        .filter(user_clocks::user_id.eq_any(users))
        .filter(user_clocks::changed_at.gt(NEVER))
        .select((user_clocks::user_id, user_clocks::changed_at))
        .load::<(Uuid, DateTime<Utc>)>(connection)?;
    Ok(clocks.into_iter().map(|(user, at)| (UserId(user), at)).collect())
}

pub(in crate::postgres) fn clock(
    connection: &mut PgConnection,
    user: UserId,
) -> QueryResult<OwnerClock> {
    let feed: Uuid = feed::table.select(feed::id).first(connection)?;
    let clock: Option<(DateTime<Utc>, Option<DateTime<Utc>>)> = clock_after(user.0, NEVER)
        .select((user_clocks::changed_at, user_clocks::purged_at))
        .first(connection)
        .optional()?;
    let (changed_at, purged_at) = clock.map_or((None, None), |(at, purged)| (Some(at), purged));
    Ok(OwnerClock { feed: FeedId(feed), changed_at, purged_at })
}

/// The clock is read first: all changes up to its time are visible to the queries after it.
pub(in crate::postgres) fn changes(
    connection: &mut PgConnection,
    user: UserId,
    since: Option<SyncToken>,
    limit: u32,
) -> QueryResult<Option<Changes>> {
    let clock = clock(connection, user)?;
    let Some(start) = clock.start(since) else { return Ok(None) };
    if !clock.is_ahead_of(start) {
        return Ok(Some(clock.changes(start, Vec::new(), Vec::new(), limit as usize)));
    }
    let query = PageQuery {
        filter: TodoFilter::default(),
        sort: Sort { key: SortKey::UpdatedAt, descending: false },
        after: Some(start.position.into()),
        limit: limit + 1,
    };
    let todos = list(connection, &(user, query))?.todos;
    let tombstones = tombstones_after(connection, user, start.tombstones_after(), limit + 1)?;
    // Since the clock was read, a purge may have removed some of them.
    let is_complete = self::clock(connection, user)?.start(Some(start)).is_some();
    Ok(is_complete.then(|| clock.changes(start, todos, tombstones, limit as usize)))
}

/// The first tombstones after a position, by time.
fn tombstones_after(
    connection: &mut PgConnection,
    user: UserId,
    after: FeedPosition,
    limit: u32,
) -> QueryResult<Vec<Tombstone>> {
    let columns = (tombstones::deleted_at, tombstones::id);
    let after = (after.at.into_sql::<Timestamptz>(), after.id.0.into_sql::<sql_types::Uuid>());
    let query = tombstones::table
        .filter(tombstones::user_id.eq(user.0))
        .filter(comes_after(columns, false, after))
        .order_by(columns)
        .select(TOMBSTONE);
    let rows: Vec<TombstoneRow> = Cached(Limited { query, limit }).load(connection)?;
    Ok(rows.into_iter().take(limit as usize).map(to_tombstone).collect())
}

type TombstoneRow = (Uuid, i64, DateTime<Utc>, DateTime<Utc>);

type TombstoneColumns =
    (tombstones::id, tombstones::version, tombstones::created_at, tombstones::deleted_at);

const TOMBSTONE: TombstoneColumns =
    (tombstones::id, tombstones::version, tombstones::created_at, tombstones::deleted_at);

fn to_tombstone((id, version, created_at, deleted_at): TombstoneRow) -> Tombstone {
    Tombstone { id: TodoId(id), version, created_at, deleted_at }
}

/// The tombstone of a user's todo.
#[auto_type(type_case = "PascalCase")]
pub(super) fn tombstone_by_id(user: Uuid, id: Uuid) -> _ {
    tombstones::table.filter(tombstones::user_id.eq(user)).filter(tombstones::id.eq(id))
}

pub(super) fn tombstone(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
) -> QueryResult<Option<Tombstone>> {
    let row = tombstone_by_id(user.0, id.0).select(TOMBSTONE).first(connection).optional()?;
    Ok(row.map(to_tombstone))
}

pub(super) fn remove_tombstone(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
) -> QueryResult<()> {
    diesel::delete(tombstone_by_id(user.0, id.0)).execute(connection).map(drop)
}

/// Whether the user has at least this many todos.
pub(super) fn has_todos(
    connection: &mut PgConnection,
    user: UserId,
    count: u32,
) -> QueryResult<bool> {
    let Some(others) = count.checked_sub(1) else { return Ok(true) };
    let last = owned_by(user.0).select(todos::id).offset(others.into());
    Ok(last.first::<Uuid>(connection).optional()?.is_some())
}

/// Begins a purge, unless one has begun after `not_since`.
pub(in crate::postgres) fn begin_purge(
    connection: &mut PgConnection,
    not_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let started_at = feed::purge_started_at;
    let is_due = started_at.is_null().or(started_at.le(not_since));
    let begun = diesel::update(feed::table.filter(is_due)).set(started_at.eq(now));
    Ok(begun.execute(connection)? > 0)
}

/// Purges some tombstones of deletions before a time; returns the owner to continue from.
///
/// It looks for them owner by owner: a step reads none of those that stay, however many there are.
pub(in crate::postgres) fn purge(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    from: Option<UserId>,
) -> QueryResult<Option<UserId>> {
    let first = from.map_or(Uuid::nil(), |user| user.0);
    let owners: Vec<Uuid> = user_clocks::table
        .filter(user_clocks::user_id.ge(first))
        .select(user_clocks::user_id)
        .order_by(user_clocks::user_id)
        .limit(PURGED_AT_ONCE.into())
        .load(connection)?;
    let mut expired: Vec<(Uuid, Uuid)> = tombstones::table
        .filter(tombstones::user_id.eq_any(&owners).and(tombstones::deleted_at.lt(before)))
        .select((tombstones::user_id, tombstones::id))
        .limit(PURGED_AT_ONCE.into())
        .load(connection)?;
    expired.sort_unstable();
    for of_owner in expired.chunk_by(|one, other| one.0 == other.0) {
        let ids: Vec<Uuid> = of_owner.iter().map(|(_, id)| *id).collect();
        diesel::sql_query(PURGE)
            .bind::<sql_types::Uuid, _>(of_owner[0].0)
            .bind::<Timestamptz, _>(before)
            .bind::<Array<sql_types::Uuid>, _>(ids)
            .execute(connection)?;
    }
    let is_full = |count: usize| count == PURGED_AT_ONCE as usize;
    let next = if is_full(expired.len()) { owners.first() } else { owners.last() };
    let is_done = !is_full(expired.len()) && !is_full(owners.len());
    Ok(next.filter(|_| !is_done).map(|owner| UserId(*owner)))
}
