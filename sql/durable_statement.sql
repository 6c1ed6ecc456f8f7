-- The function of a durable trigger at statement level: one event for each row of the transition table `changes`.
-- At row level it stores an update that changes the key. It runs with the rights of the table's owner.
CREATE OR REPLACE FUNCTION /*{function}*/pgfeed.sample_durable/*{}*/() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $pgfeed$
#variable_conflict use_variable
DECLARE
  about CONSTANT text := /*{about}*/'","schema":"public","table":"sample"'/*{}*/;
  op text := '{"op":"' || TG_OP || about;
  label CONSTANT text := CASE TG_OP WHEN 'DELETE' THEN ',"old":' ELSE ',"new":' END;
  tail CONSTANT text := ',"txid":"' || pg_current_xact_id()::text || '","at":"'
    || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';
  trouble text;
  is_first bool;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, barrier, payload) VALUES (/*{table_hash}*/1/*{}*/, true, op || tail);
  ELSIF TG_LEVEL = 'ROW' THEN
    INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
    VALUES (/*{hash_old}*/OLD.id/*{}*/, '{"op":"DELETE' || about || /*{moved}*/',"key":{"id":' || OLD.id::text || '},"moved_to":{"id":' || NEW.id::text || '}'/*{}*/ || tail);
  ELSE
    IF /*{lists_columns}*/false/*{}*/ THEN
      -- A column that was dropped, renamed or altered must not fail the write. Nothing is written in here: the number of a subtransaction
      -- that writes stands in everybody's snapshots.
      BEGIN
        PERFORM /*{listed}*/r.title/*{}*/ FROM changes r WHERE false;
      EXCEPTION WHEN undefined_column OR undefined_function THEN
        trouble := SQLERRM;
      END;
    END IF;
    IF trouble IS NULL THEN
      INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
      SELECT /*{hash}*/r.id/*{}*/, op || /*{identity}*/',"key":{"id":' || r.id::text || '}'/*{}*/ || /*{body}*/label || row_to_json(r.*)::text/*{}*/ || tail
      FROM changes r;
    ELSE
      INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
      SELECT /*{hash}*/r.id/*{}*/, op || /*{identity}*/',"key":{"id":' || r.id::text || '}'/*{}*/ || /*{rest}*/''/*{}*/ || tail
      FROM changes r;
    END IF;
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    IF trouble IS NOT NULL THEN
      /*{first_altered}*/is_first := true;/*{}*/
      IF is_first THEN
        RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, trouble
          USING HINT = 'The table was altered, and the changes are stored with the columns that it has now. Run install-trigger again with those. This warning is given once a transaction.';
      END IF;
    END IF;
  END IF;
  /*{ring}*/IF NOT pg_try_advisory_xact_lock_shared(1885824600, 1) THEN PERFORM pg_notify('pgfeed:sample', ''); END IF;/*{}*/
  RETURN NULL;
END $pgfeed$;
