DROP INDEX todos_by_title;
DROP INDEX todos_by_due;
DROP INDEX todos_by_priority;
