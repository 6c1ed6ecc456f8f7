-- The function of a durable trigger at row level: one event for each change, with both versions of the row at hand.
-- It runs with the rights of the table's owner.
CREATE OR REPLACE FUNCTION /*{function}*/pgfeed.sample_durable/*{}*/() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $pgfeed$
#variable_conflict use_variable
DECLARE
  about CONSTANT text := /*{about}*/'","schema":"public","table":"sample"'/*{}*/;
  op text := '{"op":"' || TG_OP || about;
  tail CONSTANT text := ',"txid":"' || pg_current_xact_id()::text || '","at":"'
    || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';
  told text;
  is_first bool;
BEGIN
  IF /*{has_condition}*/false/*{}*/ AND TG_OP <> 'TRUNCATE' THEN
    -- A condition that fails must neither fail the write nor lose the event.
    BEGIN
      IF NOT COALESCE(/*{when}*/true/*{}*/, false) THEN
        RETURN NULL;
      END IF;
    EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
      /*{first_condition}*/is_first := true;/*{}*/
      IF is_first THEN
        RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, SQLERRM
          USING HINT = 'The condition of the trigger failed, and the change is stored. This warning is given once a transaction.';
      END IF;
    END;
  END IF;
  IF /*{lists_columns}*/false/*{}*/ AND TG_OP <> 'TRUNCATE' THEN
    -- A column that was dropped, renamed or altered must not fail the write. Nothing is written in here: the number of a
    -- subtransaction that writes stands in everybody's snapshots.
    BEGIN
      IF TG_OP = 'DELETE' THEN
        told := /*{told_old}*/',"old":' || row_to_json(OLD)::text/*{}*/;
      ELSE
        told := /*{told_new}*/',"new":' || row_to_json(NEW)::text/*{}*/;
      END IF;
      IF TG_OP = 'UPDATE' THEN
        told := told || /*{told_more}*/''/*{}*/;
      END IF;
    EXCEPTION WHEN undefined_column OR datatype_mismatch OR undefined_function THEN
      /*{first_altered}*/is_first := true;/*{}*/
      IF is_first THEN
        RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, SQLERRM
          USING HINT = 'The table was altered, and the change is stored with the columns that it has now. Run install-trigger again with those; sessions that warn after that have to reconnect. This warning is given once a transaction.';
      END IF;
      told := CASE TG_OP WHEN 'DELETE' THEN /*{rest_old}*/''/*{}*/ ELSE /*{rest_new}*/''/*{}*/ END
        || CASE TG_OP WHEN 'UPDATE' THEN /*{rest_more}*/''/*{}*/ ELSE '' END;
    END;
  END IF;
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, barrier, payload) VALUES (/*{table_hash}*/1/*{}*/, true, op || tail);
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
    VALUES (/*{hash_old}*/OLD.id/*{}*/, op || /*{identity_old}*/',"key":{"id":' || OLD.id::text || '}'/*{}*/ || /*{body_old}*/',"old":' || row_to_json(OLD)::text/*{}*/ || tail);
  ELSE
    IF TG_OP = 'UPDATE' AND /*{key_changed}*/record_image_ne(ROW(OLD.id), ROW(NEW.id))/*{}*/ THEN
      INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
      VALUES (/*{hash_old}*/OLD.id/*{}*/, '{"op":"DELETE' || about || /*{moved}*/',"key":{"id":' || OLD.id::text || '},"moved_to":{"id":' || NEW.id::text || '}'/*{}*/ || tail);
    END IF;
    INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
    VALUES (/*{hash_new}*/NEW.id/*{}*/, op || /*{identity_new}*/',"key":{"id":' || NEW.id::text || '}'/*{}*/ || /*{body_new}*/',"new":' || row_to_json(NEW)::text/*{}*/
      || CASE TG_OP WHEN 'UPDATE' THEN /*{more}*/''/*{}*/ ELSE '' END || tail);
  END IF;
  /*{ring}*/IF NOT pg_try_advisory_xact_lock_shared(1885824600, 1) THEN PERFORM pg_notify('pgfeed:sample', ''); END IF;/*{}*/
  RETURN NULL;
END $pgfeed$;
