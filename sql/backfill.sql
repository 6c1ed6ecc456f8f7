-- Stores the next rows of a table behind a key as SNAPSHOT events, and says which keys it has met and which rows it has stored.
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
  SELECT * FROM /*{table}*/public.sample/*{}*/ r
  WHERE /*{behind}*/r.id > 0/*{}*/ AND /*{up_to}*/r.id <= (SELECT f.id FROM furthest f)/*{}*/
  ORDER BY /*{names}*/r.id/*{}*/
  FOR SHARE OF r /*{skip}*/SKIP LOCKED/*{}*/
), stored AS (
  INSERT INTO /*{queue}*/pgfeed.queue_sample/*{}*/ (key, payload)
  SELECT /*{hash}*/r.id/*{}*/, '{"op":"SNAPSHOT' || /*{about}*/'","schema":"public","table":"sample"'/*{}*/
      || /*{identity}*/',"key":{"id":' || r.id::text || '}'/*{}*/ || /*{body}*/',"new":' || row_to_json(r.*)::text/*{}*/
      || ',"txid":"' || pg_current_xact_id()::text || '","at":"'
      || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}'
  FROM chunk r ORDER BY /*{names}*/r.id/*{}*/
)
SELECT EXISTS (SELECT FROM chunk c WHERE /*{same}*/c.id = r.id/*{}*/) AS stored, /*{texts}*/r.id::text/*{}*/
FROM met r ORDER BY /*{names}*/r.id/*{}*/;
