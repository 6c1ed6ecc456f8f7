-- What a taker asks at the start of a batch: the transactions under way, whether anything out of the ordinary waits, and in which
-- file the queue is stored: another one means that it was emptied by TRUNCATE, or made anew, and that ids may have begun anew.
SELECT h.*,
       EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE due <= pg_catalog.statement_timestamp()) AS retry_is_due,
       EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/) AS anything_retries,
       EXISTS (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE barrier)
         OR EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE barrier) AS barrier_waits,
       /*{storage}*/pg_catalog.pg_relation_filenode('pgfeed.queue_sample')/*{}*/ AS storage
FROM /*{horizon}*/(SELECT pg_catalog.pg_current_snapshot())/*{}*/ h;
