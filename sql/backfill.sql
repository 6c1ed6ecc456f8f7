-- Stores the next rows of a table behind a key as SNAPSHOT events, and says which keys it has met and what became of their rows:
-- stored, unwanted where the condition is not satisfied, or what backfill_fate.sql says; null for one that somebody else has locked, or that is gone.
-- Each row is locked while it is read and stored: what was written to it before has its event already, and what comes later waits,
-- so the event stands in its right place. A row that somebody else has locked is left for later: to wait for it with others in
-- hand is how deadlocks are made. Where to go on is decided by the keys before the locks: a row may have moved meanwhile.
WITH met AS MATERIALIZED (
  SELECT /*{names}*/r.id/*{}*/ FROM /*{table}*/public.sample/*{}*/ r
  WHERE /*{behind}*/r.id > 0/*{}*/
  ORDER BY /*{names}*/r.id/*{}*/
  LIMIT /*{rows}*/1000/*{}*/
), furthest AS MATERIALIZED (
  SELECT * FROM met r ORDER BY /*{descending}*/r.id DESC/*{}*/ LIMIT 1
), chunk AS MATERIALIZED (
  -- The fate has a name that no column of a table can have.
  SELECT new.*, /*{fate}*/CASE WHEN true THEN 'stored' ELSE 'unwanted' END/*{}*/ AS cmin
  FROM /*{table}*/public.sample/*{}*/ AS new
  WHERE /*{new_behind}*/new.id > 0/*{}*/ AND /*{up_to}*/new.id <= (SELECT f.id FROM furthest f)/*{}*/
  ORDER BY /*{new_names}*/new.id/*{}*/
  FOR SHARE OF new /*{skip}*/SKIP LOCKED/*{}*/
), stored AS (
  INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
  SELECT /*{hash}*/r.id/*{}*/, '{"op":"SNAPSHOT' || /*{about}*/'","schema":"public","table":"sample"'/*{}*/
      || /*{identity}*/',"key":{"id":' || r.id::text || '}'/*{}*/ || /*{body}*/',"new":' || row_to_json(r.*)::text/*{}*/
      || ',"txid":"' || pg_current_xact_id()::text || '","at":"'
      || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}'
  FROM (SELECT /*{columns}*/id, title/*{}*/ FROM chunk WHERE cmin <> 'unwanted') r ORDER BY /*{names}*/r.id/*{}*/
)
SELECT c.cmin AS fate, /*{texts}*/r.id::text/*{}*/
FROM met r LEFT JOIN chunk c ON /*{same}*/c.id = r.id/*{}*/ ORDER BY /*{names}*/r.id/*{}*/;
