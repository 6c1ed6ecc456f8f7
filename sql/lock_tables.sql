-- Locks tables, all or none. Only for the first, while nothing is held, is it waited for long: whoever waits for a table that is held
-- here looks for deadlocks after deadlock_timeout, and would be ended as the victim of one if a table that he holds were waited for then.
-- One statement, so that a server that is far away holds nothing for longer.
DO $pgfeed$
DECLARE
  locks CONSTANT pg_catalog.text[] := /*{locks}*/ARRAY['LOCK TABLE ONLY public.sample IN SHARE ROW EXCLUSIVE MODE']/*{}*/;
  wait pg_catalog.int8 := /*{first}*/3000/*{}*/;
  held_since pg_catalog.timestamptz;
  one pg_catalog.text;
BEGIN
  FOREACH one IN ARRAY locks LOOP
    IF held_since IS NOT NULL THEN
      wait := /*{others}*/200/*{}*/ - EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - held_since) * 1000;
    END IF;
    -- 0 would wait for ever.
    PERFORM pg_catalog.set_config('lock_timeout', GREATEST(wait, 1)::pg_catalog.text, true);
    EXECUTE one;
    held_since := COALESCE(held_since, pg_catalog.clock_timestamp());
  END LOOP;
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM, TABLE = one;
END $pgfeed$;
