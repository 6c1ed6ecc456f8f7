-- Commits a batch and begins the next one, which was read already: in one go, for each costs a round trip. The lock is the one that
-- removing takes. In between, a VACUUM FULL or a TRUNCATE may have got the one that it waited for, and then other events stand where
-- the next ones were read: where the queue is stored now tells.
COMMIT;
BEGIN;
LOCK TABLE /*{queue}*/pgfeed.queue_sample/*{}*/ IN ROW EXCLUSIVE MODE;
SELECT /*{storage}*/pg_catalog.pg_relation_filenode('pgfeed.queue_sample')/*{}*/ AS storage;
