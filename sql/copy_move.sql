-- Gives rows other keys, and leaves their other columns as they are. A row goes where another one has its new key already.
WITH moves AS MATERIALIZED (
  SELECT m.old, m.new
  FROM pg_catalog.json_to_recordset(/*{moves}*/'[{"old":{"id":1},"new":{"id":2}}]'/*{}*/::pg_catalog.json) AS m (old pg_catalog.json, new pg_catalog.json)
), gone AS (
  DELETE FROM /*{table}*/public.sample/*{}*/ AS t
  USING moves m CROSS JOIN LATERAL pg_catalog.json_to_record(m.old) AS s (/*{types}*/id integer/*{}*/)
  CROSS JOIN LATERAL pg_catalog.json_to_record(m.new) AS d (/*{types}*/id integer/*{}*/)
  WHERE /*{same}*/t.id OPERATOR(pg_catalog.=) s.id/*{}*/
    AND EXISTS (SELECT FROM /*{table}*/public.sample/*{}*/ AS o WHERE /*{taken}*/o.id OPERATOR(pg_catalog.=) d.id AND NOT (o.id OPERATOR(pg_catalog.=) s.id)/*{}*/)
)
UPDATE /*{table}*/public.sample/*{}*/ AS t
SET /*{set}*/id = d.id/*{}*/
FROM moves m CROSS JOIN LATERAL pg_catalog.json_to_record(m.old) AS s (/*{types}*/id integer/*{}*/)
CROSS JOIN LATERAL pg_catalog.json_to_record(m.new) AS d (/*{types}*/id integer/*{}*/)
WHERE /*{same}*/t.id OPERATOR(pg_catalog.=) s.id/*{}*/
  AND NOT EXISTS (SELECT FROM /*{table}*/public.sample/*{}*/ AS o WHERE /*{taken}*/o.id OPERATOR(pg_catalog.=) d.id AND NOT (o.id OPERATOR(pg_catalog.=) s.id)/*{}*/);
