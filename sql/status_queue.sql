-- How one queue fares. Counting ends somewhere: a number that nobody can act on is not worth minutes.
SELECT (SELECT pg_catalog.count(*) FROM (SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/ LIMIT /*{most}*/1000000/*{}*/) q) AS waiting,
       (SELECT pg_catalog.count(*) FROM (SELECT FROM /*{retry}*/pgfeed.retry_sample/*{}*/ LIMIT /*{most}*/1000000/*{}*/) r) AS retrying,
       (SELECT pg_catalog.count(*) FROM (SELECT FROM /*{dead}*/pgfeed.dead_sample/*{}*/ LIMIT /*{most}*/1000000/*{}*/) d) AS dead,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp() - LEAST(
         (SELECT at FROM /*{queue}*/pgfeed.queue_sample/*{}*/ ORDER BY id LIMIT 1),
         (SELECT at FROM /*{retry}*/pgfeed.retry_sample/*{}*/ ORDER BY id LIMIT 1)))::float8 AS oldest_seconds,
       -- Ids are drawn in turn, so the highest says how many events were added.
       pg_catalog.has_sequence_privilege(/*{ids}*/'pgfeed.ids_sample'/*{}*/::regclass, 'SELECT') AS sees_ids,
       CASE WHEN pg_catalog.has_sequence_privilege(/*{ids}*/'pgfeed.ids_sample'/*{}*/::regclass, 'SELECT')
            THEN pg_catalog.pg_sequence_last_value(/*{ids}*/'pgfeed.ids_sample'/*{}*/::regclass) END AS last_id,
       EXTRACT(epoch FROM pg_catalog.clock_timestamp())::float8 AS at;
