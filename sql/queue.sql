-- A durable queue. Only its tables have names that begin with queue_, retry_ or dead_, so that no other queue's can be in the way.
-- Events are appended by transactions, and deleted by whoever has delivered them.
-- CREATE INDEX IF NOT EXISTS locks the table against its writers before it sees that the index is there: look first.
DO $pgfeed$
BEGIN
  CREATE TABLE IF NOT EXISTS /*{queue}*/pgfeed.queue_sample/*{}*/ (
    -- Before the id: a transaction must have its number before it draws an id, or the floor of a taker would not be proven.
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME /*{ids}*/pgfeed.ids_sample/*{}*/)
      CONSTRAINT /*{queue_key}*/qkey_sample/*{}*/ PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- The upper 32 bits are a hash of the table, the lower ones of the key; the last six bits are the slot.
    key bigint NOT NULL,
    -- A TRUNCATE: delivered when nothing older of its table is left, and before anything younger of it.
    barrier boolean NOT NULL DEFAULT false,
    payload text NOT NULL
  ) WITH (
    -- A table that empties all day: vacuum often, clean the index always, and never lock the table to cut its end off.
    vacuum_truncate = off, vacuum_index_cleanup = on,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000
  );
  IF pg_catalog.to_regclass(/*{barriers_name}*/'pgfeed.barriers_sample'/*{}*/) IS NULL THEN
    CREATE INDEX /*{barriers}*/barriers_sample/*{}*/ ON /*{queue}*/pgfeed.queue_sample/*{}*/ (id) WHERE barrier;
  END IF;

  -- Events whose delivery failed, and what waits behind them. Apart, so that the index above holds only what can be delivered.
  CREATE TABLE IF NOT EXISTS /*{retry}*/pgfeed.retry_sample/*{}*/ (
    id bigint CONSTRAINT /*{retry_key}*/rkey_sample/*{}*/ PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    at timestamptz NOT NULL,
    key bigint NOT NULL,
    barrier boolean NOT NULL,
    payload text NOT NULL,
    attempts integer NOT NULL,
    -- None: waits behind an older event of its key.
    due timestamptz,
    error text
  );
  IF pg_catalog.to_regclass(/*{due_name}*/'pgfeed.due_sample'/*{}*/) IS NULL THEN
    CREATE INDEX /*{due}*/due_sample/*{}*/ ON /*{retry}*/pgfeed.retry_sample/*{}*/ (due) WHERE due IS NOT NULL;
  END IF;
  IF pg_catalog.to_regclass(/*{keys_name}*/'pgfeed.keys_sample'/*{}*/) IS NULL THEN
    CREATE INDEX /*{keys}*/keys_sample/*{}*/ ON /*{retry}*/pgfeed.retry_sample/*{}*/ (key, id);
  END IF;
  IF pg_catalog.to_regclass(/*{retry_barriers_name}*/'pgfeed.rbarriers_sample'/*{}*/) IS NULL THEN
    CREATE INDEX /*{retry_barriers}*/rbarriers_sample/*{}*/ ON /*{retry}*/pgfeed.retry_sample/*{}*/ (id) WHERE barrier;
  END IF;

  CREATE TABLE IF NOT EXISTS /*{dead}*/pgfeed.dead_sample/*{}*/ (
    id bigint CONSTRAINT /*{dead_key}*/dkey_sample/*{}*/ PRIMARY KEY,
    at timestamptz NOT NULL,
    key bigint NOT NULL,
    barrier boolean NOT NULL,
    payload text NOT NULL,
    attempts integer NOT NULL,
    error text,
    died_at timestamptz NOT NULL DEFAULT pg_catalog.now()
  );
END $pgfeed$;
