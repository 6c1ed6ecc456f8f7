-- Lets the oldest event that waits behind each of some keys have its first attempt, now or after some seconds. (Nothing of the key
-- is under way any more.) Thousands may wait behind a key: only its first is looked at.
UPDATE /*{retry}*/pgfeed.retry_sample/*{}*/ SET due = pg_catalog.statement_timestamp() + /*{delay}*/0::float8/*{}*/ * interval '1 second'
WHERE due IS NULL AND id = ANY (ARRAY(
  SELECT (SELECT id FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE key = k.key ORDER BY id LIMIT 1)
  FROM (SELECT DISTINCT key FROM pg_catalog.unnest(/*{keys}*/'{}'::bigint[]/*{}*/) AS k(key)) k));
