-- Drops a queue, unless it holds events: somebody may still want them. One statement, so that nothing is dropped where a script
-- goes on after an error.
DO $pgfeed$
DECLARE
  held_waiting bigint;
  held_retrying bigint;
  held_dead bigint;
BEGIN
  -- Locked first: what a writer stores until then counts.
  LOCK TABLE /*{queue}*/pgfeed.queue_sample/*{}*/, /*{retry}*/pgfeed.retry_sample/*{}*/, /*{dead}*/pgfeed.dead_sample/*{}*/ IN ACCESS EXCLUSIVE MODE;
  IF pg_catalog.current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'a queue is dropped at isolation level read committed only: an older snapshot does not see what was stored since'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  SELECT (SELECT pg_catalog.count(*) FROM /*{queue}*/pgfeed.queue_sample/*{}*/),
         (SELECT pg_catalog.count(*) FROM /*{retry}*/pgfeed.retry_sample/*{}*/),
         (SELECT pg_catalog.count(*) FROM /*{dead}*/pgfeed.dead_sample/*{}*/)
    INTO held_waiting, held_retrying, held_dead;
  IF held_waiting + held_retrying + held_dead > 0 THEN
    RAISE EXCEPTION 'queue "%" holds events: % waiting, % retrying, % dead', /*{name}*/'sample'/*{}*/, held_waiting, held_retrying, held_dead
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Deliver them first (tail-queue -e --consume, or with a command), or delete them with --purge.';
  END IF;
  DROP TABLE /*{queue}*/pgfeed.queue_sample/*{}*/, /*{retry}*/pgfeed.retry_sample/*{}*/, /*{dead}*/pgfeed.dead_sample/*{}*/;
  DELETE FROM /*{registry}*/pgfeed.queue/*{}*/ WHERE id = /*{id}*/1/*{}*/;
END $pgfeed$;
