-- Finds the table that is kept in step by its quoted name and the session's own search_path.
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(/*{name}*/'public.sample'/*{}*/)::pg_catalog.oid;
