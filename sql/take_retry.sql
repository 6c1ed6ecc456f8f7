-- Takes events whose next attempt is due, at most as many, and of about as many bytes, as asked for.
WITH picked AS MATERIALIZED (
  SELECT id, due, pg_catalog.octet_length(payload) AS bytes
  FROM /*{retry}*/pgfeed.retry_sample/*{}*/ r
  WHERE due <= pg_catalog.statement_timestamp() AND (1::bigint << (key & 63)::integer) & /*{slots}*/-1::bigint/*{}*/ <> 0
    -- In order, nothing passes an older event of its key.
    AND (/*{unordered}*/false/*{}*/ OR NOT EXISTS (
      SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ older WHERE older.key = r.key AND older.id < r.id))
  ORDER BY due, id
  LIMIT /*{events}*/1000/*{}*/
  FOR UPDATE SKIP LOCKED
), fitting AS MATERIALIZED (
  SELECT id FROM (SELECT id, pg_catalog.sum(bytes) OVER (ORDER BY due, id ROWS UNBOUNDED PRECEDING) - bytes AS before FROM picked) p
  WHERE before < /*{bytes}*/8388608/*{}*/
)
DELETE FROM /*{retry}*/pgfeed.retry_sample/*{}*/
WHERE id = ANY (ARRAY(SELECT id FROM fitting))
RETURNING id, at, key, barrier, payload, attempts;
