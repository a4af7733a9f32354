-- When the todo was last completed, in microseconds since 1970-01-01T00:00:00Z. Null while it is not completed.
ALTER TABLE todos ADD COLUMN completed_at BIGINT CHECK (completed_at IS NULL OR typeof(completed_at) = 'integer');
