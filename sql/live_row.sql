-- The function of a live trigger at row level: one notification for each change, with both versions of the row at hand.
-- It never makes a write fail: an error becomes a WARNING.
CREATE OR REPLACE FUNCTION /*{function}*/pgfeed.sample_live/*{}*/() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $pgfeed$
#variable_conflict use_variable
DECLARE
  channel CONSTANT pg_catalog.text := /*{channel}*/'sample'/*{}*/;
  about CONSTANT pg_catalog.text := /*{about}*/'","schema":"public","table":"sample"'/*{}*/;
  cut CONSTANT pg_catalog.text := ',"truncated":true';
  op pg_catalog.text := '{"op":"' || TG_OP || about;
  wanted pg_catalog.bool := false;
  moved pg_catalog.text := '';
  head pg_catalog.text := '';
  body pg_catalog.text := '';
  more pg_catalog.text := '';
  tail pg_catalog.text := '}';
  note pg_catalog.text;
  is_first pg_catalog.bool;
BEGIN
  IF TG_OP <> 'TRUNCATE' AND NOT COALESCE(/*{when}*/true/*{}*/, false) THEN
    RETURN NULL;
  END IF;
  wanted := true;
  tail := ',"txid":"' || pg_catalog.pg_current_xact_id()::pg_catalog.text || '","at":"'
    || pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';
  IF TG_OP = 'UPDATE' AND /*{key_changed}*/pg_catalog.record_image_ne(ROW(OLD.id), ROW(NEW.id))/*{}*/ THEN
    moved := '{"op":"DELETE' || about || /*{moved}*/',"key":{"id":' || OLD.id::pg_catalog.text || '},"moved_to":{"id":' || NEW.id::pg_catalog.text || '}'/*{}*/ || tail;
    IF pg_catalog.octet_length(moved) > 7999 THEN
      moved := '{"op":"DELETE' || about || cut || /*{seq}*/',"seq":1'/*{}*/ || tail;
    END IF;
  END IF;
  IF TG_OP IN ('INSERT', 'UPDATE') THEN
    head := /*{identity_new}*/',"key":{"id":' || NEW.id::pg_catalog.text || '}'/*{}*/;
    body := /*{body_new}*/',"new":' || pg_catalog.row_to_json(NEW)::pg_catalog.text/*{}*/;
  ELSIF TG_OP = 'DELETE' THEN
    head := /*{identity_old}*/',"key":{"id":' || OLD.id::pg_catalog.text || '}'/*{}*/;
    body := /*{body_old}*/',"old":' || pg_catalog.row_to_json(OLD)::pg_catalog.text/*{}*/;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    more := /*{more}*/''/*{}*/;
  END IF;
  note := op || head || body || more || tail;
  IF pg_catalog.octet_length(note) > 7999 THEN
    note := op || head || body || cut || tail;
    IF pg_catalog.octet_length(note) > 7999 THEN
      note := op || head || cut || tail;
    END IF;
    IF pg_catalog.octet_length(note) > 7999 THEN
      note := op || cut || /*{seq}*/',"seq":1'/*{}*/ || tail;
    END IF;
  END IF;
  IF moved <> '' THEN
    PERFORM pg_catalog.pg_notify(channel, moved);
  END IF;
  PERFORM pg_catalog.pg_notify(channel, note);
  RETURN NULL;
EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
  /*{first_trouble}*/is_first := true;/*{}*/
  IF is_first THEN
    RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, SQLERRM
      USING HINT = CASE WHEN wanted THEN 'The change is told without its values. If the table was altered, run install-trigger again. This warning is given once a transaction.'
        ELSE 'The condition of the trigger failed, and the change is not told. This warning is given once a transaction.' END;
  END IF;
  IF NOT wanted THEN
    RETURN NULL;
  END IF;
  BEGIN
    -- What was assigned before the error is still there; what was sent or counted is not.
    note := op || head || cut || tail;
    IF NOT /*{has_key}*/true/*{}*/ OR head = '' OR pg_catalog.octet_length(note) > 7999 THEN
      note := op || cut || /*{seq}*/',"seq":1'/*{}*/ || tail;
    END IF;
    IF moved <> '' THEN
      PERFORM pg_catalog.pg_notify(channel, moved);
    END IF;
    PERFORM pg_catalog.pg_notify(channel, note);
  EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
    /*{first_silence}*/is_first := true;/*{}*/
    IF is_first THEN
      RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, SQLERRM
        USING HINT = 'The change is not told at all. If the table was altered, run install-trigger again. This warning is given once a transaction.';
    END IF;
  END;
  RETURN NULL;
END $pgfeed$;
