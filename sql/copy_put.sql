-- Brings rows to their newest state: those that are not there or differ are written, and none of their other columns is touched.
INSERT INTO /*{table}*/public.sample/*{}*/ AS t (/*{columns}*/id, title/*{}*/) OVERRIDING SYSTEM VALUE
SELECT /*{columns}*/id, title/*{}*/
FROM pg_catalog.json_to_recordset(/*{rows}*/'[{"id":1,"title":"one"}]'/*{}*/::pg_catalog.json) AS s (/*{types}*/id integer, title text/*{}*/)
ON CONFLICT (/*{key}*/id/*{}*/) DO /*{update}*/UPDATE SET title = EXCLUDED.title
WHERE pg_catalog.record_image_ne(ROW(t.title), ROW(EXCLUDED.title))/*{}*/;
