-- Removes the events that were read at some places. (Their ids too: where somebody has emptied the queue by hand and vacuum has
-- made room, another event may have moved in. And where the table was rewritten since, other events stand at these places.)
DELETE FROM /*{queue}*/pgfeed.queue_sample/*{}*/
WHERE ctid = ANY (/*{places}*/ARRAY['(0,1)'::tid]/*{}*/) AND id BETWEEN /*{first}*/1/*{}*/ AND /*{last}*/1/*{}*/
  AND /*{storage}*/pg_catalog.pg_relation_filenode('pgfeed.queue_sample')/*{}*/ IS NOT DISTINCT FROM /*{read_in}*/1::oid/*{}*/;
