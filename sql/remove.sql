-- Removes the events that were read at some places. (Their ids too: where somebody has emptied the queue by hand and vacuum has
-- made room, another event may have moved in.)
DELETE FROM /*{queue}*/pgfeed.queue_sample/*{}*/
WHERE ctid = ANY (/*{places}*/ARRAY['(0,1)'::tid]/*{}*/) AND id BETWEEN /*{first}*/1/*{}*/ AND /*{last}*/1/*{}*/;
