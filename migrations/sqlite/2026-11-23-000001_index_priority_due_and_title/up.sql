-- One index for each new order.
CREATE INDEX todos_by_priority ON todos (user_id, priority, id);
CREATE INDEX todos_by_due ON todos (user_id, due_at, id, is_completed, due_is_date, priority);
CREATE INDEX todos_by_title ON todos (user_id, title_folded, id);
