-- Whether there is an event that an older snapshot did not see.
SELECT EXISTS (
  SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/
  WHERE id > /*{floor}*/0/*{}*/
    AND NOT pg_catalog.pg_visible_in_snapshot(xid, /*{before}*/'1:1:'::pg_catalog.pg_snapshot/*{}*/));
