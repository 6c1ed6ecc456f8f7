-- Keeps events that could not be delivered.
-- (unnest of several arrays is known to the parser by its bare name only; the search_path is pg_catalog.)
INSERT INTO /*{dead}*/pgfeed.dead_sample/*{}*/ (id, at, key, barrier, payload, attempts, error)
SELECT * FROM unnest(/*{ids}*/'{}'::bigint[]/*{}*/, /*{ats}*/'{}'::timestamptz[]/*{}*/, /*{keys}*/'{}'::bigint[]/*{}*/,
  /*{barriers}*/'{}'::boolean[]/*{}*/, /*{payloads}*/'{}'::text[]/*{}*/, /*{attempts}*/'{}'::integer[]/*{}*/, /*{errors}*/'{}'::text[]/*{}*/);
