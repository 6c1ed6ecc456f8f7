-- The lowest id of a barrier; in front of it nothing has to look for one.
SELECT COALESCE(LEAST((SELECT pg_catalog.min(id) FROM /*{queue}*/pgfeed.queue_sample/*{}*/ WHERE barrier),
                      (SELECT pg_catalog.min(id) FROM /*{retry}*/pgfeed.retry_sample/*{}*/ WHERE barrier)),
                9223372036854775807);
