-- Whether an event has to wait for no other one because of a barrier: a barrier waits for what its table has told before, and what its
-- table tells later waits for the barrier. The upper 32 bits of a key are the table's.
SELECT CASE WHEN e.barrier
       THEN NOT EXISTS (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ o WHERE o.id < e.id AND o.key >> 32 = e.key >> 32)
        AND NOT EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ o WHERE o.id < e.id AND o.key >> 32 = e.key >> 32)
       ELSE NOT EXISTS (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ b WHERE b.barrier AND b.id < e.id AND b.key >> 32 = e.key >> 32)
        AND NOT EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ b WHERE b.barrier AND b.id < e.id AND b.key >> 32 = e.key >> 32)
       END
FROM (SELECT /*{event}*/1::bigint AS id, 1::bigint AS key, false AS barrier/*{}*/) AS e;
