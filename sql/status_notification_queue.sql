-- Who may hold the tail of the notification queue, of all databases: a listener that does not read, or that is in a transaction.
-- Whether a session listens, only itself can tell: first come those that seem to.
SELECT a.pid, COALESCE(a.application_name, '') AS application, a.usename::text AS role, a.datname::text AS database,
       CASE WHEN a.wait_event = 'ClientWrite' THEN 'does not read what it is sent'
            ELSE 'is in a transaction' END AS why,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.state_change))::float8 AS for_seconds
FROM pg_catalog.pg_stat_activity a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.wait_event = 'ClientWrite' OR a.xact_start < pg_catalog.clock_timestamp() - interval '10 seconds')
ORDER BY COALESCE(a.application_name LIKE 'pgfeed%' OR a.query ~* '^\s*listen\s', false) DESC, COALESCE(a.wait_event = 'ClientWrite', false) DESC, a.xact_start
LIMIT 3;
