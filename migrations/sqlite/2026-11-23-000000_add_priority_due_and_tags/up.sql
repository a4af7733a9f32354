-- 1 is low, 2 is medium, 3 is high.
ALTER TABLE todos ADD COLUMN priority BIGINT NOT NULL DEFAULT 2 CHECK (priority IN (1, 2, 3));
-- The instant, or the last microsecond of the date in UTC, in microseconds since 1970-01-01T00:00:00Z.
ALTER TABLE todos ADD COLUMN due_at BIGINT CHECK (due_at IS NULL OR typeof(due_at) = 'integer');
ALTER TABLE todos ADD COLUMN due_is_date BOOLEAN NOT NULL DEFAULT 0 CHECK (due_is_date IN (0, 1));
-- The names, joined by commas, which no tag contains.
ALTER TABLE todos ADD COLUMN tags TEXT NOT NULL DEFAULT '';
-- The names after Unicode case folding, each between two commas.
ALTER TABLE todos ADD COLUMN tags_folded TEXT NOT NULL DEFAULT '';
