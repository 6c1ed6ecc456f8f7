-- A page of the dead events above an id, of about as many bytes as asked for, though one event always.
SELECT id, at, attempts, payload, error, died_at FROM (
  SELECT p.*, pg_catalog.sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - bytes AS before FROM (
    SELECT id, at, attempts, payload, error, died_at,
           pg_catalog.octet_length(payload)::bigint + COALESCE(pg_catalog.octet_length(error), 0) AS bytes
    FROM /*{dead}*/pgfeed.dead_sample/*{}*/
    WHERE id > /*{last}*/-9223372036854775808/*{}*/ AND (/*{all}*/true/*{}*/ OR id = ANY (/*{ids}*/'{}'::bigint[]/*{}*/))
    ORDER BY id
    LIMIT /*{events}*/1000/*{}*/
  ) p
) d
WHERE before < /*{bytes}*/8388608/*{}*/
ORDER BY id;
