-- What a change of a table's triggers locks: the table and its partitions. LOCK TABLE needs more of a right than that to create a
-- trigger, and takes no foreign table. (pg_partition_tree would lock all of them.)
WITH RECURSIVE tree(oid) AS (
  SELECT /*{table}*/'public.sample'::pg_catalog.regclass::pg_catalog.oid/*{}*/
  UNION ALL
  SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       COALESCE(c.relkind IN ('r', 'p') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                AND pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), false) AS may_be_locked
FROM tree
JOIN pg_catalog.pg_class c ON c.oid = tree.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY c.oid;
