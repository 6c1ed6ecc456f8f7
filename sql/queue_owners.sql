-- Refuses a queue whose schema or tables belong to somebody else: what fills it would run the triggers of that role with rights
-- that are not that role's.
DO $pgfeed$
DECLARE
  stranger text;
BEGIN
  SELECT o.what || ' belongs to ' || pg_catalog.quote_ident(r.rolname) INTO stranger
  FROM (SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), n.nspowner
        FROM pg_catalog.pg_namespace n WHERE n.nspname = /*{schema}*/'pgfeed'/*{}*/
        UNION ALL
        SELECT 'table ' || pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = /*{schema}*/'pgfeed'/*{}*/ AND c.relname IN ('queue', /*{names}*/'queue_sample', 'retry_sample', 'dead_sample'/*{}*/)
       ) AS o(what, owner)
  JOIN pg_catalog.pg_roles r ON r.oid = o.owner
  WHERE NOT r.rolsuper AND r.rolname NOT IN (CURRENT_USER, /*{table_owner}*/CURRENT_USER/*{}*/)
  LIMIT 1;
  IF stranger IS NOT NULL THEN
    RAISE EXCEPTION '%, who could run code with the rights of whoever fills the queue', stranger
      USING ERRCODE = 'insufficient_privilege', HINT = 'Let that role install, choose another --schema, or accept it with --force.';
  END IF;
END $pgfeed$;
