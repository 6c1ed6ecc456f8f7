-- Schemas that a measurement has left behind, because it was killed: they carry its comment, and nobody holds their lock
-- (class "pgfB").
SELECT n.nspname::text AS name
FROM pg_catalog.pg_namespace n
WHERE n.nspname ~ '^pgfeed_bench_[0-9]{1,9}$'
  AND pg_catalog.obj_description(n.oid, 'pg_namespace') = /*{comment}*/''/*{}*/
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = 1885824578
      AND l.objid::text = pg_catalog.substring(n.nspname::text, '[0-9]+$'))
ORDER BY 1;
