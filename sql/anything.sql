-- Whether a queue holds anything for anybody now, what others have taken and not committed included; whether anything waits
-- for another attempt, and how many seconds until the next is due; and the file that the queue is stored in.
SELECT h.*,
       EXISTS (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE id > /*{above}*/0/*{}*/)
         OR EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE due <= pg_catalog.statement_timestamp()) AS now,
       EXISTS (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/) AS later,
       (SELECT EXTRACT(epoch FROM pg_catalog.min(due) - pg_catalog.clock_timestamp())::float8
        FROM /*{retry}*/pgfeed.retry_sample/*{}*/) AS due_in,
       /*{storage}*/pg_catalog.pg_relation_filenode('pgfeed.queue_sample')/*{}*/ AS storage
FROM /*{horizon}*/(SELECT pg_catalog.pg_current_snapshot())/*{}*/ h;
