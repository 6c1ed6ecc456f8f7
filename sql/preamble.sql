-- How every session of pgfeed begins: what it asks, then, as one message, what it sets. (A session that a pooler lends to others
-- as well is not changed: each transaction has settings of its own then.) What a role or a database has as defaults must not
-- matter. One statement a line: a server that refuses one of them gets them one by one.
SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only'), pg_catalog.current_setting('port');
SET search_path = pg_catalog;
SET default_transaction_isolation = 'read committed';
SET default_transaction_read_only = off;
SET default_transaction_deferrable = off;
SET statement_timeout = 0;
SET lock_timeout = '5s';
SET idle_in_transaction_session_timeout = '60s';
SET idle_session_timeout = 0;
SET row_security = off;
SET client_min_messages = notice;
SET client_connection_check_interval = '5s';
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 60000;
SELECT pg_catalog.set_config('transaction_timeout', '0', false) WHERE pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL;
