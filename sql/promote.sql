-- Lets the oldest event that waits behind each of some keys have its first attempt, now or after some seconds. (Nothing of the key
-- is under way any more; but where no order is kept another worker may settle an older one at this moment, and see ours as older: what
-- others hold is passed over, or both would take the other's for the one that goes on.)
-- Thousands may wait behind a key: only its first is looked at.
UPDATE /*{retry}*/pgfeed.retry_sample/*{}*/ SET due = pg_catalog.statement_timestamp() + /*{delay}*/0::float8/*{}*/ * interval '1 second'
WHERE due IS NULL AND id = ANY (ARRAY(
  SELECT (SELECT id FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE key = k.key ORDER BY id LIMIT 1 /*{lock}*/FOR UPDATE SKIP LOCKED/*{}*/)
  FROM (SELECT DISTINCT key FROM pg_catalog.unnest(/*{keys}*/'{}'::bigint[]/*{}*/) AS k(key)) k));
