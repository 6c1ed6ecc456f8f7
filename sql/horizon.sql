-- What a snapshot says of transactions: all below the first number have ended; from the second on it is not known which have; these
-- below it run; and a number below which all are that have drawn an id lower than those that are known to be taken.
SELECT pg_catalog.pg_snapshot_xmin(s.now)::text::bigint AS oldest_running,
       pg_catalog.pg_snapshot_xmax(s.now)::text::bigint AS known_below,
       CASE WHEN pg_catalog.pg_snapshot_xmin(s.now) < pg_catalog.pg_snapshot_xmax(s.now)
         THEN ARRAY(SELECT number::text::bigint FROM pg_catalog.pg_snapshot_xip(s.now) AS number) END AS running,
       /*{next}*/pg_catalog.pg_snapshot_xmax(s.now)::text::bigint/*{}*/ AS next_to_start
FROM (SELECT /*{snapshot}*/pg_catalog.pg_current_snapshot()/*{}*/ AS now) s;
