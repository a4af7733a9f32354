-- Fills the new column for the todos that are completed already: by owner, so that each statement goes to one shard, in
-- small transactions, and without waiting for rows that somebody else is changing.
DO $$
DECLARE
    owner todos.user_id%TYPE;
BEGIN
    FOR owner IN SELECT DISTINCT user_id FROM todos WHERE is_completed AND completed_at IS NULL LOOP
        LOOP
            UPDATE todos SET completed_at = updated_at
            WHERE user_id = owner AND id IN (
                SELECT id FROM todos WHERE user_id = owner AND is_completed AND completed_at IS NULL
                LIMIT 10000 FOR UPDATE SKIP LOCKED
            );
            EXIT WHEN NOT FOUND;
            COMMIT;
        END LOOP;
    END LOOP;
END $$;
