CREATE TABLE todos (
    -- UUIDs as their 16 bytes.
    user_id            BLOB    NOT NULL CHECK (typeof(user_id) = 'blob' AND length(user_id) = 16),
    id                 BLOB    NOT NULL CHECK (typeof(id) = 'blob' AND length(id) = 16),
    title              TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
    description        TEXT             CHECK (length(description) <= 2000),
    is_completed       BOOLEAN NOT NULL CHECK (is_completed IN (0, 1)),
    -- Microseconds since 1970-01-01T00:00:00Z.
    created_at         BIGINT  NOT NULL CHECK (typeof(created_at) = 'integer'),
    updated_at         BIGINT  NOT NULL CHECK (typeof(updated_at) = 'integer' AND updated_at >= created_at),
    version            BIGINT  NOT NULL CHECK (typeof(version) = 'integer' AND version >= 1),
    -- The texts after Unicode case folding, written by the application beside the originals.
    title_folded       TEXT    NOT NULL,
    description_folded TEXT    CHECK ((description_folded IS NULL) = (description IS NULL)),
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;

-- One index for each order that a list can have, with and without the completion filter.
CREATE INDEX todos_by_creation ON todos (user_id, created_at, id);
CREATE INDEX todos_by_update ON todos (user_id, updated_at, id);
CREATE INDEX todos_by_completion_and_creation ON todos (user_id, is_completed, created_at, id);
CREATE INDEX todos_by_completion_and_update ON todos (user_id, is_completed, updated_at, id);
