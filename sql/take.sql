-- Takes the oldest events of some slots, at most as many as asked for, whatever the planner thinks: both CTEs and the ARRAY
-- are computed once. (DELETE ... USING (SELECT ... LIMIT) can delete more.) The bytes are limited too, but one event always fits.
-- What is younger than a barrier waits. The barrier is looked for here, with the snapshot that sees the events: one that was
-- looked for earlier may have been overtaken.
WITH picked AS MATERIALIZED (
  SELECT ctid AS place, id, pg_catalog.octet_length(payload) AS bytes
  FROM /*{queue}*/pgfeed.queue_sample/*{}*/
  WHERE id > /*{floor}*/0/*{}*/
    AND id < COALESCE(LEAST((SELECT pg_catalog.min(id) FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE barrier),
                            (SELECT pg_catalog.min(id) FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE barrier)), 9223372036854775807)
    AND (1::bigint << (key & 63)::integer) & /*{slots}*/-1::bigint/*{}*/ <> 0
  ORDER BY id
  LIMIT /*{events}*/1000/*{}*/
  /*{lock}*/FOR UPDATE SKIP LOCKED/*{}*/
), fitting AS MATERIALIZED (
  SELECT place FROM (SELECT place, pg_catalog.sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - bytes AS before FROM picked) p
  WHERE before < /*{bytes}*/8388608/*{}*/
)
DELETE FROM /*{queue}*/pgfeed.queue_sample/*{}*/
WHERE ctid = ANY (ARRAY(SELECT place FROM fitting))
RETURNING id, at, key, barrier, payload;
