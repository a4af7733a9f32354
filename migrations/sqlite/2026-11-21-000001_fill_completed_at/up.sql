-- For the todos that are completed already.
UPDATE todos SET completed_at = updated_at WHERE is_completed;
