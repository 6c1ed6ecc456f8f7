-- Lets events that were taken again, and given back, have their turn after some seconds. (What waits behind them goes on waiting.)
-- Since they were given back another worker may have taken some, and holds them for as long as it delivers: those are its own affair.
UPDATE /*{retry}*/pgfeed.retry_sample/*{}*/ SET due = pg_catalog.statement_timestamp() + /*{delay}*/0::float8/*{}*/ * interval '1 second'
WHERE id = ANY (ARRAY(
  SELECT id FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE id = ANY (/*{ids}*/'{}'::bigint[]/*{}*/) AND due IS NOT NULL
  FOR UPDATE SKIP LOCKED));
