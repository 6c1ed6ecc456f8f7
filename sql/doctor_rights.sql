-- What this role may do, by job.
SELECT CURRENT_USER::text AS role,
       pg_catalog.has_function_privilege('pg_catalog.pg_notify(text, text)', 'EXECUTE') AS may_notify,
       COALESCE((SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace n WHERE n.nspname = /*{schema}*/'pgfeed'/*{}*/),
                pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')) AS may_create,
       -- With the rights of the owners that it is a member of.
       EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', /*{schema}*/'pgfeed'/*{}*/)
                 AND n.nspname NOT LIKE 'pg\_t%'
                 AND pg_catalog.has_table_privilege(c.oid, 'TRIGGER')) AS may_watch,
       EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', /*{schema}*/'pgfeed'/*{}*/)
                 AND n.nspname NOT LIKE 'pg\_t%') AS has_tables,
       EXISTS (SELECT FROM pg_catalog.pg_language WHERE lanname = 'plpgsql') AS has_plpgsql,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_others;
