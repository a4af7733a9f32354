ALTER TABLE todos DROP COLUMN completed_at;
