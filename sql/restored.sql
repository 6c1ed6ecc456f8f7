-- The highest id of events whose transactions this cluster has not had yet: they were restored from another's dump. (0: none.)
SELECT COALESCE(pg_catalog.max(id), 0) FROM (
  SELECT id, xid FROM /*{queue}*/pgfeed.queue_sample/*{}*/
  UNION ALL
  SELECT id, xid FROM /*{retry}*/pgfeed.retry_sample/*{}*/
) e
WHERE xid >= pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot());
