-- Lets events that were taken again, and given back, have their turn after some seconds. (What waits behind them goes on waiting.)
UPDATE /*{retry}*/pgfeed.retry_sample/*{}*/ SET due = pg_catalog.statement_timestamp() + /*{delay}*/0::float8/*{}*/ * interval '1 second'
WHERE id = ANY (/*{ids}*/'{}'::bigint[]/*{}*/) AND due IS NOT NULL;
