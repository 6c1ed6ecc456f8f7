-- Gives old rows other ids where new ones come with the same: TRUNCATE ... RESTART IDENTITY lets the ids of a queue begin anew, and what
-- has failed before keeps its own. The other ids are below all of this table: what is older comes first.
-- What stands in front of such a row goes with it, that of its key, or of its table where barriers are: so what is old keeps its order,
-- and the oldest of a key stays the one that is due. (A new event that already stood in front of an old one goes too, and stays there.)
WITH scope AS MATERIALIZED (
  SELECT CASE WHEN EXISTS (SELECT FROM /*{table}*/pgfeed.retry_sample/*{}*/ WHERE barrier) THEN 32 ELSE 0 END AS bits
), taken AS MATERIALIZED (
  SELECT key >> bits AS part, pg_catalog.max(id) AS id FROM /*{table}*/pgfeed.retry_sample/*{}*/, scope
  WHERE id = ANY (/*{ids}*/'{}'::bigint[]/*{}*/)
  GROUP BY part
), moved AS MATERIALIZED (
  SELECT o.id, pg_catalog.row_number() OVER (ORDER BY o.id DESC) AS place
  FROM /*{table}*/pgfeed.retry_sample/*{}*/ o CROSS JOIN scope JOIN taken t ON t.part = o.key >> scope.bits AND o.id <= t.id
)
UPDATE /*{table}*/pgfeed.retry_sample/*{}*/ r
SET id = LEAST(0, (SELECT pg_catalog.min(id) FROM /*{table}*/pgfeed.retry_sample/*{}*/)) - m.place
FROM moved m WHERE r.id = m.id;
