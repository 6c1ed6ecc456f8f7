-- What has the names that an installation needs, and is not part of it.
SELECT 'trigger' AS kind, t.tgname AS name, NULL AS used_by
FROM pg_catalog.pg_trigger t
LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objoid = t.tgfoid
WHERE t.tgrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/
  AND t.tgname = ANY (/*{triggers}*/'{sample_insert}'::pg_catalog.text[]/*{}*/)
  AND COALESCE(d.description, '') NOT LIKE 'pgfeed {%'
UNION ALL
SELECT CASE WHEN COALESCE(d.description, '') NOT LIKE 'pgfeed {%' THEN 'function' WHEN t.oid IS NULL THEN 'leftover' ELSE 'used' END,
       p.proname, pg_catalog.min(t.tgrelid::pg_catalog.regclass::pg_catalog.text)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objoid = p.oid
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND t.tgparentid = 0
WHERE n.nspname = /*{schema}*/'pgfeed'/*{}*/ AND p.proname = /*{function}*/'sample_live'/*{}*/ AND p.pronargs = 0
GROUP BY 1, 2
-- One that serves this table already is the installation itself.
HAVING NOT COALESCE(pg_catalog.bool_or(t.tgrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/), false)
  OR pg_catalog.bool_or(COALESCE(d.description, '') NOT LIKE 'pgfeed {%');
