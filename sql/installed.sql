-- What pgfeed has installed: the functions that carry its marker, each with its triggers (none: the table is gone).
SELECT p.oid AS function_oid, fn.nspname AS function_schema, p.proname AS function_name, p.prosrc AS body, d.description AS marker,
       pg_catalog.pg_get_userbyid(p.proowner) AS owner, p.prosecdef AS is_definer,
       COALESCE(p.proconfig, '{}') AS settings,
       t.tgrelid AS table_oid, tn.nspname AS table_schema, c.relname AS table_name,
       ARRAY(SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(t.tgrelid)) AS ancestors,
       t.tgname AS trigger_name, t.tgtype AS trigger_type,
       -- pg_get_triggerdef would say it more nicely, and lock the table.
       t.tgqual::pg_catalog.text AS condition, COALESCE(t.tgoldtable, t.tgnewtable)::pg_catalog.text AS rows,
       t.tgattr = ''::pg_catalog.int2vector AND t.tgnargs = 0 AND t.tgconstraint = 0
         AND (t.tgoldtable IS NULL OR t.tgnewtable IS NULL) AS is_plain,
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger clone
                         WHERE clone.tgfoid = p.oid AND clone.tgname = t.tgname AND clone.tgenabled <> t.tgenabled)
            THEN 'mixed' ELSE t.tgenabled::text END AS enabled
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace fn ON fn.oid = p.pronamespace
JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objoid = p.oid AND d.objsubid = 0
-- A partition's clones come and go with the trigger of the parent.
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND t.tgparentid = 0
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace
WHERE d.description LIKE 'pgfeed {%' AND p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
ORDER BY p.oid, t.tgrelid, t.tgname;
