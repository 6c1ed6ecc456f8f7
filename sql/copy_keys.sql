-- The unique indexes of a table that ON CONFLICT can use, each as its columns, and the operators by which it calls two keys equal:
-- the primary key first. To look for an operator by its name could find one that somebody has put into a schema of the search_path,
-- and that fits the column's type better than pg_catalog's own.
SELECT ARRAY(
    SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns,
  ARRAY(
    SELECT pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM pg_catalog.unnest(i.indclass::pg_catalog.oid[]) WITH ORDINALITY AS k (class, place)
    JOIN pg_catalog.pg_opclass c ON c.oid = k.class
    JOIN pg_catalog.pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = c.opcintype AND p.amoprighttype = c.opcintype
    JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    WHERE p.amopstrategy = 3 ORDER BY k.place) AS operators
FROM pg_catalog.pg_index i
WHERE i.indrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/
  AND i.indisunique AND NOT i.indisexclusion AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indisprimary DESC, i.indexrelid;
