-- What a trigger's plan needs to know of a table. Partitions are told by the name of their root.
SELECT n.nspname AS schema, c.relname AS name, told_n.nspname AS told_schema, told.relname AS told_name, c.relkind::text AS kind,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner, pg_catalog.pg_get_userbyid(c.relowner) = CURRENT_USER AS is_ours,
       ARRAY(SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(c.oid)) AS ancestors,
       EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS has_relatives,
       -- Statement triggers fire behind row triggers and actions that change this table again: the order would be wrong.
       EXISTS (SELECT FROM pg_catalog.pg_trigger t
               LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objoid = t.tgfoid
               WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 1 = 1 AND t.tgtype & 66 = 0
                 -- Ours, or in the place of ours, and replaced by --force.
                 AND COALESCE(d.description, '') NOT LIKE 'pgfeed {%' AND NOT pg_catalog.starts_with(t.tgname::pg_catalog.text, '!pgfeed_'))
       OR EXISTS (SELECT FROM pg_catalog.pg_constraint k
                  WHERE k.conrelid = c.oid AND k.confrelid = c.oid AND k.contype = 'f'
                    AND (k.confupdtype NOT IN ('a', 'r') OR k.confdeltype NOT IN ('a', 'r'))) AS row_order
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class told ON told.oid = COALESCE(pg_catalog.pg_partition_root(c.oid), c.oid)
JOIN pg_catalog.pg_namespace told_n ON told_n.oid = told.relnamespace
WHERE c.oid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/;
