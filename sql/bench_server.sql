-- What decides how fast this server is, as far as it tells.
SELECT pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
       pg_catalog.current_setting('synchronous_commit') AS synchronous_commit,
       pg_catalog.current_setting('fsync') = 'on' AS fsync,
       s.ssl AS is_encrypted
FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid();
