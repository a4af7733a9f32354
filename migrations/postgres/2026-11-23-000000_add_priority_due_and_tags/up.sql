-- Only changes the catalogue: the defaults hold for the rows that exist, which are neither rewritten nor read. The release
-- before does not write the new columns. On Citus each statement is a transaction, so each can be repeated after a
-- failure.

-- 1 is low, 2 is medium, 3 is high.
ALTER TABLE todos ADD COLUMN IF NOT EXISTS priority SMALLINT NOT NULL DEFAULT 2;
-- The instant, or the last microsecond of the date in UTC.
ALTER TABLE todos ADD COLUMN IF NOT EXISTS due_at TIMESTAMPTZ;
ALTER TABLE todos ADD COLUMN IF NOT EXISTS due_is_date BOOLEAN NOT NULL DEFAULT false;
-- The names, joined by commas, which no tag contains.
ALTER TABLE todos ADD COLUMN IF NOT EXISTS tags TEXT NOT NULL DEFAULT '';
-- The names after Unicode case folding, each between two commas.
ALTER TABLE todos ADD COLUMN IF NOT EXISTS tags_folded TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Not checked for the rows that exist: the defaults meet it.
ALTER TABLE todos DROP CONSTRAINT IF EXISTS todos_priority_check;
ALTER TABLE todos ADD CONSTRAINT todos_priority_check CHECK (priority BETWEEN 1 AND 3) NOT VALID;
