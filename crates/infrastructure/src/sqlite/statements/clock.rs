//! Owners' clocks, tombstones, and the change feed.

use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::expression::IntoSql;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary};
use diesel::upsert::excluded;
use todo_domain::{
    Changes, FeedId, FeedPosition, OwnerClock, PageQuery, Sort, SortKey, SyncToken, TodoFilter,
    TodoId, Tombstone, UserId,
};
use uuid::Uuid;

use super::{greatest, least, list, owned_by};
use crate::sql::{Cached, comes_after};
use crate::sqlite::schema::{feed, todos, tombstones, user_clocks};
use crate::sqlite::values::{BlobUuid, Micros};

/// How many owners one step of a purge looks at, and how many tombstones it removes.
const PURGED_AT_ONCE: u32 = 500;

/// Sets the user's clock. Returns its time, which is that of the change: `now`, or later.
pub(super) fn tick(
    connection: &mut SqliteConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> QueryResult<DateTime<Utc>> {
    let changed_at = user_clocks::changed_at;
    let statement = diesel::insert_into(user_clocks::table)
        .values((user_clocks::user_id.eq(BlobUuid(user.0)), changed_at.eq(Micros(now))))
        .on_conflict(user_clocks::user_id)
        .do_update()
        .set(changed_at.eq(greatest(changed_at + 1, excluded(changed_at))))
        .returning(changed_at);
    Cached(statement).get_result::<Micros>(connection).map(|time| time.0)
}

/// Leaves tombstones of todos that are about to be deleted.
macro_rules! bury {
    ($connection:ident, $rows:expr, $now:expr) => {{
        use crate::sqlite::schema::tombstones;
        let deleted_at =
            diesel::expression::IntoSql::into_sql::<diesel::sql_types::BigInt>(Micros($now));
        let columns = (todos::user_id, todos::id, todos::version, todos::created_at, deleted_at);
        diesel::replace_into(tombstones::table)
            .values($rows.select(columns))
            .into_columns((
                tombstones::user_id,
                tombstones::id,
                tombstones::version,
                tombstones::created_at,
                tombstones::deleted_at,
            ))
            .execute($connection)?;
    }};
}
pub(super) use bury;

/// When any todo of each user last changed.
pub(in crate::sqlite) fn changed_at_of(
    connection: &mut SqliteConnection,
    users: &[UserId],
) -> QueryResult<Vec<(UserId, DateTime<Utc>)>> {
    let users: Vec<_> = users.iter().map(|user| BlobUuid(user.0)).collect();
    let clocks = user_clocks::table
        .filter(user_clocks::user_id.eq_any(users))
        .select((user_clocks::user_id, user_clocks::changed_at))
        .load::<(BlobUuid, Micros)>(connection)?;
    Ok(clocks.into_iter().map(|(user, at)| (UserId(user.0), at.0)).collect())
}

pub(in crate::sqlite) fn clock(
    connection: &mut SqliteConnection,
    user: UserId,
) -> QueryResult<OwnerClock> {
    let feed: BlobUuid = feed::table.select(feed::id).first(connection)?;
    let clock: Option<(Micros, Option<Micros>)> = user_clocks::table
        .find(BlobUuid(user.0))
        .select((user_clocks::changed_at, user_clocks::purged_at))
        .first(connection)
        .optional()?;
    let (changed_at, purged_at) = clock.map_or((None, None), |(at, purged)| (Some(at.0), purged));
    Ok(OwnerClock { feed: FeedId(feed.0), changed_at, purged_at: purged_at.map(|it| it.0) })
}

/// The clock is read first: all changes up to its time are visible to the queries after it.
pub(in crate::sqlite) fn changes(
    connection: &mut SqliteConnection,
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
    let todos = list(connection, user, &query)?.todos;
    let tombstones = tombstones_after(connection, user, start.tombstones_after(), limit + 1)?;
    // Since the clock was read, a purge may have removed some of them.
    let is_complete = self::clock(connection, user)?.start(Some(start)).is_some();
    Ok(is_complete.then(|| clock.changes(start, todos, tombstones, limit as usize)))
}

/// The first tombstones after a position, by time.
fn tombstones_after(
    connection: &mut SqliteConnection,
    user: UserId,
    after: FeedPosition,
    limit: u32,
) -> QueryResult<Vec<Tombstone>> {
    let columns = (tombstones::deleted_at, tombstones::id);
    let after = (Micros(after.at).into_sql::<BigInt>(), BlobUuid(after.id.0).into_sql::<Binary>());
    let rows: Vec<TombstoneRow> = tombstones::table
        .filter(tombstones::user_id.eq(BlobUuid(user.0)))
        .filter(comes_after(columns, false, after))
        .order_by(columns)
        .select(TOMBSTONE)
        .limit(limit.into())
        .load(connection)?;
    Ok(rows.into_iter().map(to_tombstone).collect())
}

type TombstoneRow = (BlobUuid, i64, Micros, Micros);

type TombstoneColumns =
    (tombstones::id, tombstones::version, tombstones::created_at, tombstones::deleted_at);

const TOMBSTONE: TombstoneColumns =
    (tombstones::id, tombstones::version, tombstones::created_at, tombstones::deleted_at);

fn to_tombstone((id, version, created_at, deleted_at): TombstoneRow) -> Tombstone {
    let (created_at, deleted_at) = (created_at.0, deleted_at.0);
    Tombstone { id: TodoId(id.0), version, created_at, deleted_at }
}

/// The tombstone of a user's todo.
#[auto_type(type_case = "PascalCase")]
fn tombstone_by_id(user: BlobUuid, id: BlobUuid) -> _ {
    tombstones::table.filter(tombstones::user_id.eq(user)).filter(tombstones::id.eq(id))
}

pub(super) fn tombstone(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
) -> QueryResult<Option<Tombstone>> {
    let row = tombstone_by_id(BlobUuid(user.0), BlobUuid(id.0)).select(TOMBSTONE);
    Ok(row.first(connection).optional()?.map(to_tombstone))
}

pub(super) fn remove_tombstone(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
) -> QueryResult<()> {
    let row = tombstone_by_id(BlobUuid(user.0), BlobUuid(id.0));
    diesel::delete(row).execute(connection).map(drop)
}

/// Whether the user has at least this many todos.
pub(super) fn has_todos(
    connection: &mut SqliteConnection,
    user: UserId,
    count: u32,
) -> QueryResult<bool> {
    let Some(others) = count.checked_sub(1) else { return Ok(true) };
    let last = owned_by(BlobUuid(user.0)).select(todos::id).offset(others.into());
    Ok(last.first::<BlobUuid>(connection).optional()?.is_some())
}

/// Begins a purge, unless one has begun after `not_since`.
pub(in crate::sqlite) fn begin_purge(
    connection: &mut SqliteConnection,
    not_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let started_at = feed::purge_started_at;
    let is_due = started_at.is_null().or(started_at.le(Micros(not_since)));
    let begun = diesel::update(feed::table.filter(is_due)).set(started_at.eq(Micros(now)));
    Ok(begun.execute(connection)? > 0)
}

/// Purges some tombstones of deletions before a time; returns the owner to continue from.
///
/// It looks for them owner by owner: a step reads none of those that stay, however many there are.
pub(in crate::sqlite) fn purge(
    connection: &mut SqliteConnection,
    before: DateTime<Utc>,
    from: Option<UserId>,
) -> QueryResult<Option<UserId>> {
    let first = BlobUuid(from.map_or(Uuid::nil(), |user| user.0));
    let owners: Vec<BlobUuid> = user_clocks::table
        .filter(user_clocks::user_id.ge(first))
        .select(user_clocks::user_id)
        .order_by(user_clocks::user_id)
        .limit(PURGED_AT_ONCE.into())
        .load(connection)?;
    let is_expired =
        tombstones::user_id.eq_any(owners.clone()).and(tombstones::deleted_at.lt(Micros(before)));
    let mut expired: Vec<(BlobUuid, BlobUuid)> = tombstones::table
        .filter(is_expired)
        .select((tombstones::user_id, tombstones::id))
        .limit(PURGED_AT_ONCE.into())
        .load(connection)?;
    expired.sort_unstable_by_key(|(owner, id)| (owner.0, id.0));
    for of_owner in expired.chunk_by(|one, other| one.0.0 == other.0.0) {
        let owner = of_owner[0].0;
        let ids: Vec<_> = of_owner.iter().map(|(_, id)| *id).collect();
        let purged = tombstones::user_id.eq(owner).and(tombstones::id.eq_any(ids));
        diesel::delete(tombstones::table.filter(purged)).execute(connection)?;
        let column = user_clocks::purged_at;
        let purged_at = least(user_clocks::changed_at + 1, Micros(before)).nullable();
        let is_later = column.is_null().or(column.lt(purged_at));
        diesel::update(user_clocks::table.find(owner).filter(is_later))
            .set(column.eq(purged_at))
            .execute(connection)?;
    }
    let is_full = |count: usize| count == PURGED_AT_ONCE as usize;
    let next = if is_full(expired.len()) { owners.first() } else { owners.last() };
    let is_done = !is_full(expired.len()) && !is_full(owners.len());
    Ok(next.filter(|_| !is_done).map(|owner| UserId(owner.0)))
}
