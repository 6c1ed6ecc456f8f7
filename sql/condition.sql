-- Lets the server understand a condition over NEW and OLD, with the names that the search_path gives it; read back from the
-- function, every function and operator in it stands with its schema. (A transaction that is rolled back surrounds this.)
-- Not a view: until PostgreSQL 15 a view has its own NEW and OLD, and would call these new_1 and old_1.
CREATE OR REPLACE FUNCTION pg_temp.pgfeed_condition() RETURNS pg_catalog.bool LANGUAGE sql BEGIN ATOMIC
  SELECT true FROM /*{new_table}*/public.sample/*{}*/ AS new, /*{old_table}*/public.sample/*{}*/ AS old
  WHERE (/*{condition}*/new.title IS DISTINCT FROM old.title/*{}*/);
END;
