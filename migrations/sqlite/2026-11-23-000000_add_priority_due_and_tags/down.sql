ALTER TABLE todos DROP COLUMN tags_folded;
ALTER TABLE todos DROP COLUMN tags;
ALTER TABLE todos DROP COLUMN due_is_date;
ALTER TABLE todos DROP COLUMN due_at;
ALTER TABLE todos DROP COLUMN priority;
