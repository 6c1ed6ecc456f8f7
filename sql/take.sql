-- Reads the oldest events that some slots may deliver now, at most as many as asked for; what was read is removed by its place
-- (sql/remove.sql) in the same transaction. Nobody else takes it meanwhile: who keeps the order owns the slots, who does not
-- locks the rows. (DELETE ... USING (SELECT ... LIMIT) in one go can delete more than its limit.)
-- A payload that is larger than its share of the batch is only measured: it is fetched when it is known to fit. (What is mostly
-- false or not needed is null: that costs nothing to send.)
-- Barriers (sql/unhindered.sql) are looked for here, with the snapshot that sees the events: one that was looked for earlier may have
-- been overtaken. Where there is none, that costs one comparison an event.
SELECT id, at, key, CASE WHEN barrier THEN true END AS barrier,
       CASE WHEN pg_catalog.octet_length(payload) <= /*{share}*/8388/*{}*/ THEN payload END AS payload,
       CASE WHEN pg_catalog.octet_length(payload) > /*{share}*/8388/*{}*/ THEN pg_catalog.octet_length(payload) END AS bytes,
       ctid AS place
FROM /*{queue}*/pgfeed.queue_sample/*{}*/ e
WHERE id > /*{above}*/0/*{}*/
  AND (/*{slots}*/-1::bigint/*{}*/ = -1 OR (1::bigint << (key & 63)::integer) & /*{slots}*/-1::bigint/*{}*/ <> 0)
  AND (id < /*{first_barrier}*/9223372036854775807/*{}*/ OR /*{unhindered}*/true/*{}*/)
ORDER BY id
LIMIT /*{events}*/1000/*{}*/
/*{lock}*/FOR UPDATE SKIP LOCKED/*{}*/;
