-- The queues there are. The id is a hash of the name, so that migrations know it; it is part of the keys of advisory locks,
-- which have 31 bits: 25 for the id, 6 for a slot.
CREATE TABLE IF NOT EXISTS /*{registry}*/pgfeed.queue/*{}*/ (
  id integer CONSTRAINT registry_key PRIMARY KEY CHECK (id BETWEEN 0 AND 33554431),
  name text NOT NULL CONSTRAINT registry_name UNIQUE,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
