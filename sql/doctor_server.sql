-- What a feed needs to know of its server.
SELECT pg_catalog.current_setting('server_version') AS version, pg_catalog.current_setting('server_version_num')::integer AS version_num,
       pg_catalog.pg_is_in_recovery() AS is_standby, pg_catalog.inet_server_addr() IS NULL AS is_local,
       COALESCE(pg_catalog.inet_client_addr() <<= '127.0.0.0/8'::inet OR pg_catalog.inet_client_addr() = '::1'::inet, true) AS is_same_machine,
       COALESCE((SELECT version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid() AND ssl), '') AS encryption,
       pg_catalog.current_setting('server_encoding') AS encoding,
       pg_catalog.current_setting('fsync') AS fsync;
