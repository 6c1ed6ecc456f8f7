-- Lets the oldest event that waits behind each of some keys have its first attempt, now or after some seconds. (Nothing of the key
-- is under way any more.)
UPDATE /*{retry}*/pgfeed.retry_sample/*{}*/ SET due = pg_catalog.now() + /*{delay}*/0::float8/*{}*/ * interval '1 second'
WHERE due IS NULL AND id IN (
  SELECT pg_catalog.min(id) FROM /*{retry}*/pgfeed.retry_sample/*{}*/
  WHERE key = ANY (/*{keys}*/'{}'::bigint[]/*{}*/) GROUP BY key);
