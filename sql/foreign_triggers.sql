-- Triggers that have names as pgfeed gives them, and call functions that are not pgfeed's.
SELECT n.nspname || '.' || c.relname AS table_name, t.tgname AS trigger_name,
       fn.nspname || '.' || p.proname AS function_name
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace fn ON fn.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE pg_catalog.starts_with(t.tgname::pg_catalog.text, '!pgfeed_') AND t.tgparentid = 0 AND COALESCE(d.description, '') NOT LIKE 'pgfeed {%'
ORDER BY 1, 2;
