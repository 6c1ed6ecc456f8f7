-- The id above which to look: that of the highest step, or else the floor. A step holds as long as each of the transactions that could
-- still go below it has not ended: as the statement sees it that this is a part of, which so misses nothing.
SELECT GREATEST(/*{floor}*/0::bigint/*{}*/, pg_catalog.max(step.id)) FROM (
  SELECT s.id
  FROM ROWS FROM (pg_catalog.unnest(/*{steps}*/'{10,20,20}'::bigint[]/*{}*/), pg_catalog.unnest(/*{running}*/'{3,3,4}'::bigint[]/*{}*/)) AS s(id, number)
  GROUP BY s.id
  HAVING NOT pg_catalog.bool_or(pg_catalog.pg_visible_in_snapshot(s.number::text::xid8, pg_catalog.pg_current_snapshot()))
) AS step;
