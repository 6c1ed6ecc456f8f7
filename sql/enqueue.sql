-- Stores payloads as events of no row, in their order, and rings if somebody sleeps: X (class "pgfX") held shared until the
-- commit is visible tells a consumer that goes to sleep meanwhile to look again.
WITH stored AS (
  INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
  SELECT 0, payload FROM pg_catalog.unnest(/*{payloads}*/'{}'::text[]/*{}*/) WITH ORDINALITY AS p(payload, place) ORDER BY place
  RETURNING true
)
SELECT pg_catalog.count(*), CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock_shared(1885824600, /*{queue_id}*/1/*{}*/)
                                 THEN pg_catalog.pg_notify(/*{doorbell}*/'pgfeed:sample'/*{}*/, '')::text END
FROM stored;
