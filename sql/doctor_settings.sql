-- What a session of this role has in this database unless it says otherwise, as far as it can hurt a feed, and what ours has.
SELECT name, reset_val AS default_value, setting AS our_value
FROM pg_catalog.pg_settings
WHERE name IN ('session_replication_role', 'synchronous_commit', 'default_transaction_isolation', 'statement_timeout', 'autovacuum', 'max_prepared_transactions',
               'idle_session_timeout', 'transaction_timeout', 'default_transaction_read_only', 'search_path', 'row_security')
ORDER BY name;
