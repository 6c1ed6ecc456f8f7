-- Lets the role with whose rights a durable trigger runs fill the queue. Who may not grant that can install where it is granted already.
DO $pgfeed$
BEGIN
  IF pg_catalog.has_schema_privilege(/*{schema_name}*/'pgfeed'/*{}*/, 'USAGE WITH GRANT OPTION')
     OR NOT pg_catalog.has_schema_privilege(/*{owner_name}*/CURRENT_USER/*{}*/, /*{schema_name}*/'pgfeed'/*{}*/, 'USAGE') THEN
    GRANT USAGE ON SCHEMA /*{schema}*/pgfeed/*{}*/ TO /*{owner}*/CURRENT_USER/*{}*/;
  END IF;
  IF pg_catalog.has_table_privilege(/*{queue_name}*/'pgfeed.queue_sample'/*{}*/, 'INSERT WITH GRANT OPTION')
     OR NOT pg_catalog.has_table_privilege(/*{owner_name}*/CURRENT_USER/*{}*/, /*{queue_name}*/'pgfeed.queue_sample'/*{}*/, 'INSERT') THEN
    GRANT INSERT ON /*{queue}*/pgfeed.queue_sample/*{}*/ TO /*{owner}*/CURRENT_USER/*{}*/;
  END IF;
  -- A GRANT that grants nothing is a warning only, and every write would fail.
  IF NOT pg_catalog.has_schema_privilege(/*{owner_name}*/CURRENT_USER/*{}*/, /*{schema_name}*/'pgfeed'/*{}*/, 'USAGE')
     OR NOT pg_catalog.has_table_privilege(/*{owner_name}*/CURRENT_USER/*{}*/, /*{queue_name}*/'pgfeed.queue_sample'/*{}*/, 'INSERT') THEN
    RAISE EXCEPTION 'permission denied to let the owner of the table fill the queue' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $pgfeed$;
