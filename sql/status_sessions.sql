-- Sessions of pgfeed's in this database, and others that seem to listen: what a session listens to, only itself can tell.
SELECT a.pid, COALESCE(a.application_name, '') AS application, a.usename::text AS role,
       COALESCE(pg_catalog.host(a.client_addr), 'local') AS client, COALESCE(a.state, '') AS state,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::float8 AS age_seconds,
       a.query ~* '^\s*listen\s' AS listens
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.application_name LIKE 'pgfeed %' OR a.query ~* '^\s*listen\s')
ORDER BY a.backend_start;
