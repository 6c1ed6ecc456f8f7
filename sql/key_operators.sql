-- The operators by which the primary key of a table is sorted, in the order of its columns. To look for them by their names would
-- find others: what an extension's type has in its own schema is not what pg_catalog has for the text that it can be taken for.
SELECT pg_catalog.max(n.nspname) AS schema,
       pg_catalog.max(o.oprname) FILTER (WHERE a.amopstrategy = 2) AS at_most,
       pg_catalog.max(o.oprname) FILTER (WHERE a.amopstrategy = 3) AS equal,
       pg_catalog.max(o.oprname) FILTER (WHERE a.amopstrategy = 5) AS above
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL pg_catalog.unnest(i.indclass::pg_catalog.oid[]) WITH ORDINALITY AS k(class, place)
JOIN pg_catalog.pg_opclass c ON c.oid = k.class
JOIN pg_catalog.pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype
JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE i.indrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/ AND i.indisprimary
GROUP BY k.place
ORDER BY k.place;
