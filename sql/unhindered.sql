-- Whether an event has to wait for no other one because of a barrier: a barrier waits for what its table has told before, and what its
-- table tells later waits for the barrier. The upper 32 bits of a key are the table's.
-- Hundreds of thousands of events may wait behind a barrier, and each take passes them all: so the first barrier of each table is
-- looked up once, and not for each of them.
SELECT CASE WHEN e.barrier
       THEN NOT EXISTS (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ o WHERE o.id < e.id AND o.key >> 32 = e.key >> 32)
        AND NOT EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ o WHERE o.id < e.id AND o.key >> 32 = e.key >> 32)
       ELSE COALESCE(e.id < (ARRAY(
         SELECT pg_catalog.min(id) FROM (SELECT id, key FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE barrier
                                         UNION ALL SELECT id, key FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE barrier) b
         GROUP BY key >> 32 ORDER BY key >> 32
       ))[pg_catalog.array_position(ARRAY(
         SELECT key >> 32 FROM (SELECT key FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE barrier
                                UNION ALL SELECT key FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE barrier) b
         GROUP BY key >> 32 ORDER BY key >> 32
       ), e.key >> 32)], true)
       END
FROM (SELECT /*{event}*/1::bigint AS id, 1::bigint AS key, false AS barrier/*{}*/) AS e;
