-- Only creates tables, and reads todos once: nobody who reads or writes todos waits. On Citus each statement is a
-- transaction, so each can be repeated after a failure.

-- One clock for each owner. Each write sets it to a later time, and holds the lock of its row until it commits: so an
-- owner's changes become visible in the order of their times. Updated in place, so its pages keep free space.
CREATE TABLE IF NOT EXISTS user_clocks (
    user_id    UUID        NOT NULL PRIMARY KEY,
    -- The time of the last change.
    changed_at TIMESTAMPTZ NOT NULL,
    -- Tombstones of deletions before this time may be gone.
    purged_at  TIMESTAMPTZ
) WITH (fillfactor = 50);

-- What remains of a deleted todo until it is purged. The text of the todo is not kept.
CREATE TABLE IF NOT EXISTS tombstones (
    user_id    UUID        NOT NULL,
    id         UUID        NOT NULL,
    -- The last version of the todo.
    version    BIGINT      NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, id)
);

-- The order of the change feed.
CREATE INDEX IF NOT EXISTS tombstones_by_deletion ON tombstones (user_id, deleted_at, id);

-- One row for the whole database.
CREATE TABLE IF NOT EXISTS feed (
    -- Change tokens of another feed are refused. A new id makes all clients synchronize anew.
    id               UUID        NOT NULL PRIMARY KEY,
    -- When an instance last began to purge tombstones.
    purge_started_at TIMESTAMPTZ
);
INSERT INTO feed (id)
SELECT md5(random()::text || clock_timestamp()::text || current_database())::uuid
WHERE NOT EXISTS (SELECT FROM feed);

-- If todos is distributed by Citus, so are the new tables.
DO $$
BEGIN
    IF to_regproc('create_distributed_table') IS NOT NULL THEN
        IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'todos'::regclass)
            AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'user_clocks'::regclass)
        THEN
            PERFORM create_distributed_table('user_clocks', 'user_id', colocate_with => 'todos');
            PERFORM create_distributed_table('tombstones', 'user_id', colocate_with => 'todos');
            PERFORM create_reference_table('feed');
        END IF;
    END IF;
END $$;

INSERT INTO user_clocks (user_id, changed_at)
SELECT user_id, max(updated_at) FROM todos GROUP BY user_id
ON CONFLICT (user_id) DO NOTHING;
