-- The highest id that a queue holds, and, when that is far above the floor, a number that is drawn behind it: whoever had drawn a
-- lower id by then has a lower number. (A number costs a little; it is not drawn for nothing.)
SELECT id, CASE WHEN id > /*{floor}*/0/*{}*/ + 1000 THEN pg_catalog.pg_current_xact_id()::text::bigint END AS next_to_start
FROM (SELECT COALESCE(pg_catalog.max(id), 0) AS id FROM /*{queue}*/pgfeed.queue_sample/*{}*/ OFFSET 0) e;
