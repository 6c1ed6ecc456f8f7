-- Who holds advisory locks of pgfeed's in this database: slots ("pgfS"), places among the workers in order ("pgfM", and "pgfA" of
-- those who have stepped aside) and without ("pgfU"), and places in front of ("pgfX") and behind ("pgfW") a queue's doorbell.
SELECT l.pid, l.classid::bigint::integer AS class, l.objid::bigint::integer AS object, l.mode = 'ShareLock' AS is_shared,
       COALESCE(a.application_name, '') AS application, COALESCE(pg_catalog.host(a.client_addr), 'local') AS client,
       a.usename::text AS role
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid IN (1885824595, 1885824589, 1885824577, 1885824597, 1885824600, 1885824599)
ORDER BY l.pid, l.classid, l.objid;
