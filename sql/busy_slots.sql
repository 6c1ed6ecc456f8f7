-- The slots that the oldest events are in, and those that are due for another attempt.
SELECT DISTINCT (key & 63)::integer AS slot
FROM ((SELECT key FROM /*{queue}*/pgfeed.queue_sample/*{}*/ ORDER BY id LIMIT 1000)
      UNION ALL
      (SELECT key FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE due <= pg_catalog.statement_timestamp() ORDER BY due LIMIT 1000)) e;
