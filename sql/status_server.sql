-- The server and the database, as far as a feed depends on them.
SELECT pg_catalog.current_setting('server_version') AS version, pg_catalog.current_database()::text AS database,
       CURRENT_USER::text AS role, pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_others,
       pg_catalog.clock_timestamp() AS at,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_notification_queue_usage() END AS notification_queue_usage;
