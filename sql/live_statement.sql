-- The function of a live trigger at statement level: one notification for each row of the transition table `changes`.
-- At row level it tells an update that changes the key. It never makes a write fail: an error becomes a WARNING.
CREATE OR REPLACE FUNCTION /*{function}*/pgfeed.sample_live/*{}*/() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $pgfeed$
#variable_conflict use_variable
DECLARE
  channel CONSTANT pg_catalog.text := /*{channel}*/'sample'/*{}*/;
  about CONSTANT pg_catalog.text := /*{about}*/'","schema":"public","table":"sample"'/*{}*/;
  cut CONSTANT pg_catalog.text := ',"truncated":true';
  op pg_catalog.text := '{"op":"' || TG_OP || about;
  label CONSTANT pg_catalog.text := CASE TG_OP WHEN 'DELETE' THEN ',"old":' ELSE ',"new":' END;
  tail pg_catalog.text := '}';
  note pg_catalog.text;
  is_first pg_catalog.bool;
BEGIN
  -- Whatever changed a row has got an xid; a statement that found none shall not ask for one.
  tail := ',"txid":"' || pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text || '","at":"'
    || pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}';
  IF TG_OP = 'TRUNCATE' THEN
    PERFORM pg_catalog.pg_notify(channel, op || tail);
  ELSIF TG_LEVEL = 'ROW' THEN
    op := '{"op":"DELETE' || about;
    note := op || /*{moved}*/',"key":{"id":' || OLD.id::pg_catalog.text || '},"moved_to":{"id":' || NEW.id::pg_catalog.text || '}'/*{}*/ || tail;
    IF pg_catalog.octet_length(note) > 7999 THEN
      note := op || cut || /*{seq}*/',"seq":1'/*{}*/ || tail;
    END IF;
    PERFORM pg_catalog.pg_notify(channel, note);
  ELSE
    -- OFFSET 0 keeps the planner from computing the JSON twice, for its length and for the message.
    PERFORM pg_catalog.pg_notify(channel, CASE
      WHEN pg_catalog.octet_length(x.head) + pg_catalog.octet_length(x.body) + pg_catalog.octet_length(tail) < 8000
        THEN x.head || x.body || tail
      WHEN pg_catalog.octet_length(x.head) + pg_catalog.octet_length(cut) + pg_catalog.octet_length(tail) < 8000
        THEN x.head || cut || tail
      ELSE op || cut || /*{seq}*/',"seq":1'/*{}*/ || tail END)
    FROM (SELECT op || /*{identity}*/',"key":{"id":' || r.id::pg_catalog.text || '}'/*{}*/ AS head,
                 /*{body}*/label || pg_catalog.row_to_json(r.*)::pg_catalog.text/*{}*/ AS body
          FROM changes r OFFSET 0) x;
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
  /*{first_values}*/is_first := true;/*{}*/
  IF is_first THEN
    RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, SQLERRM
      USING HINT = 'The changes of this statement are told without their values. If the table was altered, run install-trigger again. This warning is given once a transaction.';
  END IF;
  BEGIN
    IF TG_LEVEL = 'ROW' OR TG_OP = 'TRUNCATE' THEN
      PERFORM pg_catalog.pg_notify(channel, op || cut || /*{seq}*/',"seq":1'/*{}*/ || tail);
    ELSE
      PERFORM pg_catalog.pg_notify(channel, CASE
        WHEN pg_catalog.octet_length(x.note) < 8000 THEN x.note
        ELSE op || cut || /*{seq}*/',"seq":1'/*{}*/ || tail END)
      FROM (SELECT op || /*{identity}*/',"key":{"id":' || r.id::pg_catalog.text || '}'/*{}*/ || cut || tail AS note
            FROM changes r OFFSET 0) x;
    END IF;
  EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
    /*{first_silence}*/is_first := true;/*{}*/
    IF is_first THEN
      RAISE WARNING 'pgfeed: % of %: %', TG_OP, /*{table}*/'public.sample'/*{}*/, SQLERRM
        USING HINT = 'The changes of this statement are not told at all. If the table was altered, run install-trigger again. This warning is given once a transaction.';
    END IF;
  END;
  RETURN NULL;
END $pgfeed$;
