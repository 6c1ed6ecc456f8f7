-- Gives events another attempt: the failed ones when their time has come, what waits behind them (no time) when they are gone.
-- (The transaction has begun before they were tried: now() would count the attempt as waiting.)
-- (unnest of several arrays is known to the parser by its bare name only; the search_path is pg_catalog.)
INSERT INTO /*{retry}*/pgfeed.retry_sample/*{}*/ (id, at, key, barrier, payload, attempts, due, error)
SELECT id, at, key, barrier, payload, attempts, pg_catalog.statement_timestamp() + delay * interval '1 second', error
FROM unnest(/*{ids}*/'{}'::bigint[]/*{}*/, /*{ats}*/'{}'::timestamptz[]/*{}*/, /*{keys}*/'{}'::bigint[]/*{}*/,
       /*{barriers}*/'{}'::boolean[]/*{}*/, /*{payloads}*/'{}'::text[]/*{}*/, /*{attempts}*/'{}'::integer[]/*{}*/,
       /*{delays}*/'{}'::float8[]/*{}*/, /*{errors}*/'{}'::text[]/*{}*/)
  AS e(id, at, key, barrier, payload, attempts, delay, error);
