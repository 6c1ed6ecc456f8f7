-- The columns of a table in their order, with their place in the primary key (0: not in it).
SELECT a.attname AS name, a.atttypid AS type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name, a.attgenerated = 'v' AS is_virtual, a.attgenerated <> '' AS is_generated,
       COALESCE(pg_catalog.array_position(k.conkey::pg_catalog.int4[], a.attnum::pg_catalog.int4), 0) AS key_place
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
WHERE a.attrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/ AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;
