-- Whether there is an event that an older snapshot did not see, and the file that the queue is stored in.
SELECT EXISTS (
  SELECT FROM /*{queue}*/pgfeed.queue_sample/*{}*/
  WHERE id > /*{above}*/0/*{}*/
    AND NOT pg_catalog.pg_visible_in_snapshot(xid, /*{before}*/'1:1:'::pg_catalog.pg_snapshot/*{}*/)) AS now,
  /*{storage}*/pg_catalog.pg_relation_filenode('pgfeed.queue_sample')/*{}*/ AS storage;
