-- One clock for each owner. Each write sets it to a later time, so an owner's changes have an order.
CREATE TABLE user_clocks (
    user_id    BLOB   NOT NULL PRIMARY KEY CHECK (typeof(user_id) = 'blob' AND length(user_id) = 16),
    -- The time of the last change, in microseconds since 1970-01-01T00:00:00Z.
    changed_at BIGINT NOT NULL CHECK (typeof(changed_at) = 'integer'),
    -- Tombstones of deletions before this time may be gone.
    purged_at  BIGINT CHECK (purged_at IS NULL OR typeof(purged_at) = 'integer')
) WITHOUT ROWID;

-- What remains of a deleted todo until it is purged. The text of the todo is not kept.
CREATE TABLE tombstones (
    user_id    BLOB   NOT NULL CHECK (typeof(user_id) = 'blob' AND length(user_id) = 16),
    id         BLOB   NOT NULL CHECK (typeof(id) = 'blob' AND length(id) = 16),
    -- The last version of the todo.
    version    BIGINT NOT NULL CHECK (typeof(version) = 'integer' AND version >= 1),
    created_at BIGINT NOT NULL CHECK (typeof(created_at) = 'integer'),
    deleted_at BIGINT NOT NULL CHECK (typeof(deleted_at) = 'integer'),
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;

-- The order of the change feed.
CREATE INDEX tombstones_by_deletion ON tombstones (user_id, deleted_at, id);

-- One row for the whole database.
CREATE TABLE feed (
    -- Change tokens of another feed are refused. A new id makes all clients synchronize anew.
    id               BLOB   NOT NULL PRIMARY KEY CHECK (typeof(id) = 'blob' AND length(id) = 16),
    -- When a process last began to purge tombstones.
    purge_started_at BIGINT CHECK (purge_started_at IS NULL OR typeof(purge_started_at) = 'integer')
) WITHOUT ROWID;
INSERT INTO feed (id) VALUES (randomblob(16));

INSERT INTO user_clocks (user_id, changed_at)
SELECT user_id, max(updated_at) FROM todos GROUP BY user_id;
