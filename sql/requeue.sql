-- Puts dead events back under their ids, as new arrivals: due now, with no attempts behind them.
WITH risen AS (
  DELETE FROM /*{dead}*/pgfeed.dead_sample/*{}*/
  WHERE /*{all}*/true/*{}*/ OR id = ANY (/*{ids}*/'{}'::bigint[]/*{}*/)
  RETURNING id, at, key, barrier, payload
), queued AS (
  INSERT INTO /*{retry}*/pgfeed.retry_sample/*{}*/ (id, at, key, barrier, payload, attempts, due)
  -- Of each key only the oldest is due: the others wait behind it.
  SELECT id, at, key, barrier, payload, 0,
         CASE WHEN pg_catalog.row_number() OVER (PARTITION BY key ORDER BY id) = 1 THEN pg_catalog.now() END
  FROM risen
  RETURNING id
)
SELECT pg_catalog.count(*), pg_catalog.pg_notify(/*{doorbell}*/'pgfeed:sample'/*{}*/, '')::text FROM queued;
