-- One index for each new order. Each waits for older transactions, and nobody waits for it. An index that a failed attempt
-- left is invalid, and made anew.
DROP INDEX CONCURRENTLY IF EXISTS todos_by_priority;
CREATE INDEX CONCURRENTLY todos_by_priority ON todos (user_id, priority, id);
DROP INDEX CONCURRENTLY IF EXISTS todos_by_due;
CREATE INDEX CONCURRENTLY todos_by_due ON todos (user_id, due_at, id, is_completed, due_is_date, priority);
DROP INDEX CONCURRENTLY IF EXISTS todos_by_title;
CREATE INDEX CONCURRENTLY todos_by_title ON todos (user_id, title_folded, id);
