-- Takes a barrier, when nothing older is left for anybody: what others have taken and not committed still counts.
DELETE FROM /*{queue}*/pgfeed.queue_sample/*{}*/
WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM /*{queue}*/pgfeed.queue_sample/*{}*/
  WHERE id = /*{barrier}*/1/*{}*/ AND (1::bigint << (key & 63)::integer) & /*{slots}*/-1::bigint/*{}*/ <> 0
    AND NOT EXISTS (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE id < /*{barrier}*/1/*{}*/)
    AND NOT EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE id < /*{barrier}*/1/*{}*/)
  /*{lock}*/FOR UPDATE SKIP LOCKED/*{}*/))
RETURNING id, at, key, barrier, payload;
