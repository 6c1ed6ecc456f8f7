-- Finds a table by its quoted name and the session's own search_path.
SELECT pg_catalog.to_regclass(/*{name}*/'public.sample'/*{}*/)::pg_catalog.oid;
