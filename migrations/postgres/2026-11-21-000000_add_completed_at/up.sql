-- When the todo was last completed. While the release before still runs, it leaves this null, or unchanged, when it
-- completes or reopens a todo: readers take it as null for a todo that is not completed, and as updated_at if it is
-- missing in one that is.
ALTER TABLE todos ADD COLUMN completed_at TIMESTAMPTZ;
