CREATE TABLE todos (
    user_id            UUID        NOT NULL,
    id                 UUID        NOT NULL,
    title              TEXT        NOT NULL CHECK (char_length(title) BETWEEN 1 AND 255),
    description        TEXT                 CHECK (char_length(description) <= 2000),
    is_completed       BOOLEAN     NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL CHECK (updated_at >= created_at),
    version            BIGINT      NOT NULL CHECK (version >= 1),
    -- The texts after Unicode case folding, written by the application beside the originals: searched
    -- byte by byte, so that a search depends on no locale.
    title_folded       TEXT        COLLATE "C" NOT NULL,
    description_folded TEXT        COLLATE "C"
                       CHECK ((description_folded IS NULL) = (description IS NULL)),
    -- The user comes first, so that the table can be distributed or partitioned by user_id.
    PRIMARY KEY (user_id, id)
);

-- One index for each order that a list can have, with and without the completion filter.
CREATE INDEX todos_by_creation ON todos (user_id, created_at, id);
CREATE INDEX todos_by_update ON todos (user_id, updated_at, id);
CREATE INDEX todos_by_completion_and_creation ON todos (user_id, is_completed, created_at, id);
CREATE INDEX todos_by_completion_and_update ON todos (user_id, is_completed, updated_at, id);
