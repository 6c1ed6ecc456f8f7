-- Tables whose names differ from a name in their case or their schema only, quoted as SQL wants them.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE pg_catalog.lower(c.relname) = pg_catalog.lower(/*{name}*/'Sample'/*{}*/) AND c.relkind IN ('r', 'p', 'f')
ORDER BY 1
LIMIT 5;
