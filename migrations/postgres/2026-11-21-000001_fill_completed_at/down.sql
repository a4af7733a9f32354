-- The migration before drops the column.
SELECT 'nothing to revert';
