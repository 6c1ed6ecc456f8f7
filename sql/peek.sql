-- A page of the events that one snapshot sees and an older one did not, at most as many, and of about as many bytes, as asked
-- for, though one event always: more follows one that is full. (`id > last` alone would lose what commits late.)
-- The first look also shows what waits for another attempt, and what was restored from another cluster, whose transactions say
-- nothing here; after that it has been seen.
SELECT id, at, key, barrier, payload, attempts, held FROM (
  SELECT p.*, pg_catalog.sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS held FROM (
    SELECT id, at, key, barrier, payload, attempts, pg_catalog.octet_length(payload) AS bytes FROM (
      SELECT id, at, key, barrier, payload, 0 AS attempts, xid FROM /*{queue}*/pgfeed.queue_sample/*{}*/
      UNION ALL
      SELECT id, at, key, barrier, payload, attempts, xid FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE /*{retries}*/true/*{}*/
    ) e
    WHERE id > /*{last}*/0/*{}*/
      AND (id <= /*{restored}*/0/*{}*/ OR pg_catalog.pg_visible_in_snapshot(xid, /*{now}*/pg_catalog.pg_current_snapshot()/*{}*/))
      AND NOT pg_catalog.pg_visible_in_snapshot(xid, /*{before}*/'1:1:'::pg_catalog.pg_snapshot/*{}*/)
    ORDER BY id
    LIMIT /*{events}*/1000/*{}*/
  ) p
) p
WHERE held - bytes < /*{bytes}*/8388608/*{}*/
ORDER BY id;
