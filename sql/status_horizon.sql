-- Who keeps dead rows of this database from being removed, the oldest first: sessions with a snapshot, replication slots, prepared
-- transactions. What runs in another database holds back the tables that all databases share, and no others (ComputeXidHorizons);
-- a standby's feedback and a slot belong to none.
SELECT kind, who, transactions, for_seconds FROM (
  SELECT 'session' AS kind,
         'process ' || a.pid || ' (' || pg_catalog.concat_ws(', ', NULLIF(a.application_name, ''), a.usename, a.datname, a.state) || ')' AS who,
         pg_catalog.age(COALESCE(a.backend_xmin, a.backend_xid))::bigint AS transactions,
         EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS for_seconds
  FROM pg_catalog.pg_stat_activity a
  WHERE COALESCE(a.backend_xmin, a.backend_xid) IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
    AND (a.backend_type = 'walsender' OR a.backend_type = 'client backend' AND a.datname = pg_catalog.current_database())
  UNION ALL
  SELECT 'replication slot', 'replication slot ' || s.slot_name,
         pg_catalog.age(COALESCE(s.xmin, s.catalog_xmin))::bigint, NULL
  FROM pg_catalog.pg_replication_slots s WHERE s.xmin IS NOT NULL
  UNION ALL
  SELECT 'prepared transaction', 'prepared transaction ' || p.gid, pg_catalog.age(p.transaction)::bigint,
         EXTRACT(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8
  FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database()
) h
ORDER BY transactions DESC, for_seconds DESC NULLS LAST
LIMIT 1;
