-- Removes the rows of some keys.
DELETE FROM /*{table}*/public.sample/*{}*/ AS t
USING pg_catalog.json_to_recordset(/*{keys}*/'[{"id":1}]'/*{}*/::pg_catalog.json) AS s (/*{types}*/id integer/*{}*/)
WHERE /*{same}*/t.id OPERATOR(pg_catalog.=) s.id/*{}*/;
