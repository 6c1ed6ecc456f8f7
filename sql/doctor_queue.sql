-- The tables of one queue as they are: what was changed about them may lose events, or keep them from whoever takes them.
SELECT t.kind, c.oid IS NOT NULL AS is_there, c.relpersistence::text = 'u' AS is_unlogged, c.relkind::text <> 'r' AS is_something_else,
       c.relrowsecurity AS has_row_security,
       EXISTS (SELECT FROM pg_catalog.unnest(c.reloptions) o WHERE o = 'autovacuum_enabled=false' OR o = 'autovacuum_enabled=off') AS is_not_vacuumed,
       (SELECT pg_catalog.string_agg(w.name, ', ') FROM pg_catalog.unnest(t.names) AS w(name)
        WHERE c.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped)) AS lacks,
       (SELECT pg_catalog.string_agg(w.name || ' is ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ')
        FROM ROWS FROM (pg_catalog.unnest(t.names), pg_catalog.unnest(t.types)) AS w(name, type)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped
        WHERE a.atttypid <> w.type) AS is_typed,
       -- What is not given a value needs one of its own.
       (SELECT pg_catalog.string_agg(a.attname, ', ') FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef
          AND a.attidentity::text = '' AND a.attname <> ALL (t.given)) AS asks_for,
       COALESCE((SELECT s.seqcycle FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid
                 WHERE d.refobjid = c.oid AND d.deptype = 'i' LIMIT 1), false) AS ids_repeat,
       COALESCE(st.n_dead_tup, 0) AS dead_rows, COALESCE(st.n_live_tup, 0) AS live_rows,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - GREATEST(st.last_autovacuum, st.last_vacuum))::float8 AS vacuumed_seconds,
       -- Autovacuum has passed it by several times; between two of its rounds a busy queue may well be full of dead rows.
       COALESCE(GREATEST(st.last_autovacuum, st.last_vacuum) < pg_catalog.clock_timestamp()
                - 5 * pg_catalog.current_setting('autovacuum_naptime')::interval, true) AS is_vacuum_late,
       c.oid IS NOT NULL AND (SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, r)) FROM pg_catalog.unnest(t.rights) r) AS may_take
FROM (VALUES ('queue', '{xid,id,at,key,barrier,payload}'::text[], '{xid8,bigint,timestamptz,bigint,boolean,text}'::regtype[],
              '{key,barrier,payload}'::text[], '{SELECT,DELETE}'::text[]),
             ('retry', '{id,xid,at,key,barrier,payload,attempts,due,error}',
              '{bigint,xid8,timestamptz,bigint,boolean,text,integer,timestamptz,text}',
              '{id,at,key,barrier,payload,attempts,due,error}', '{SELECT,INSERT,UPDATE,DELETE}'),
             ('dead', '{id,at,key,barrier,payload,attempts,error,died_at}',
              '{bigint,timestamptz,bigint,boolean,text,integer,text,timestamptz}',
              '{id,at,key,barrier,payload,attempts,error}', '{INSERT}')) AS t(kind, names, types, given, rights)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = /*{schema}*/'pgfeed'/*{}*/
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.kind || '_' || /*{name}*/'sample'/*{}*/
LEFT JOIN pg_catalog.pg_stat_user_tables st ON st.relid = c.oid;
