-- Keeps the queue as it is for the batch that was read ahead, by the lock that removing takes. Since it was read, a VACUUM FULL or a
-- TRUNCATE may have got the one that it waited for, and then other events stand at its places: where the queue is stored now tells.
LOCK TABLE /*{queue}*/pgfeed.queue_sample/*{}*/ IN ROW EXCLUSIVE MODE;
SELECT /*{storage}*/pg_catalog.pg_relation_filenode('pgfeed.queue_sample')/*{}*/ AS storage;
