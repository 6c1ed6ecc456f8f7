-- Takes events whose next attempt is due, at most as many, and of about as many bytes, as asked for. One that has not failed itself
-- brings those that wait behind it: once its key goes on, it goes on in batches. All heads together bring about as many as are asked
-- for: what each brings is read and sorted. (Heads are not sorted by id as well: what was requeued together is due at once.)
-- Who waits because of a barrier (sql/unhindered.sql) stays due, and waits for lower ids only: so what is oldest never waits.
WITH heads AS MATERIALIZED (
  SELECT id, key, due, attempts, pg_catalog.octet_length(payload) AS bytes
  FROM /*{retry}*/pgfeed.retry_sample/*{}*/ r
  WHERE due <= pg_catalog.statement_timestamp() AND (1::bigint << (key & 63)::integer) & /*{slots}*/-1::bigint/*{}*/ <> 0
    -- In order, nothing passes an older event of its key.
    AND (/*{unordered}*/false/*{}*/ OR NOT EXISTS (
      SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ older WHERE older.key = r.key AND older.id < r.id))
    AND (id < /*{first_barrier}*/9223372036854775807/*{}*/ OR /*{head_unhindered}*/true/*{}*/)
  ORDER BY due
  LIMIT /*{events}*/1000/*{}*/
  FOR UPDATE SKIP LOCKED
), picked AS MATERIALIZED (
  SELECT id, due, id AS head, bytes FROM heads
  UNION ALL
  SELECT f.id, h.due, h.id, f.bytes
  FROM heads h CROSS JOIN LATERAL (
    -- Up to the first that has a time of its own, or is a barrier, or waits for one.
    SELECT id, bytes, pg_catalog.bool_and(goes_on) OVER (ORDER BY id) AS follows FROM (
      SELECT id, pg_catalog.octet_length(payload) AS bytes, due IS NULL AND NOT barrier
             AND (id < /*{first_barrier}*/9223372036854775807/*{}*/ OR /*{unhindered}*/true/*{}*/) AS goes_on
      FROM /*{retry}*/pgfeed.retry_sample/*{}*/ w
      WHERE w.key = h.key AND w.id > h.id
      ORDER BY id
      LIMIT GREATEST(1, /*{events}*/1000/*{}*/ / (SELECT pg_catalog.count(*) FROM heads))
    ) w
  ) f
  WHERE h.attempts = 0 AND f.follows AND NOT /*{unordered}*/false/*{}*/
), fitting AS MATERIALIZED (
  SELECT id FROM (
    SELECT id, due, head, pg_catalog.sum(bytes) OVER (ORDER BY due, head, id ROWS UNBOUNDED PRECEDING) - bytes AS before FROM picked
  ) p
  WHERE before < /*{bytes}*/8388608/*{}*/
  ORDER BY due, head, id
  LIMIT /*{events}*/1000/*{}*/
)
DELETE FROM /*{retry}*/pgfeed.retry_sample/*{}*/
WHERE id = ANY (ARRAY(SELECT id FROM fitting))
RETURNING id, at, key, barrier, payload, attempts;
