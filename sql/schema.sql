-- The schema of pgfeed's own objects. CREATE SCHEMA IF NOT EXISTS asks for the right to create one even when it exists: look first.
DO $pgfeed$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = /*{name}*/'pgfeed'/*{}*/) THEN
    CREATE SCHEMA /*{schema}*/pgfeed/*{}*/;
  END IF;
END $pgfeed$;
