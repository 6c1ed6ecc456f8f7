-- The columns of a table in their order, with their place in the primary key (0: not in it), and the settings of a session that
-- decide how their values are written as JSON. (Dates and times are ISO in JSON whatever DateStyle says, but in ranges they are text.)
WITH RECURSIVE parts(attnum, type, in_range) AS (
  SELECT a.attnum, a.atttypid, false FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/ AND a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT p.attnum, inner_type.oid, p.in_range OR inner_type.in_range
  FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type
  CROSS JOIN LATERAL (
    SELECT t.typbasetype, false WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem, false WHERE t.typcategory = 'A'
    UNION ALL SELECT r.rngsubtype, true FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    UNION ALL SELECT f.atttypid, false FROM pg_catalog.pg_attribute f
              WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
  ) AS inner_type(oid, in_range)
)
SELECT a.attname AS name, a.attnum AS number, a.atttypid AS type_oid,
       type_name, pg_catalog.format_type(a.atttypid, NULL) AS bare_type, a.attgenerated = 'v' AS is_virtual, a.attgenerated <> '' AS is_generated,
       COALESCE(pg_catalog.array_position(k.conkey::pg_catalog.int4[], a.attnum::pg_catalog.int4), 0) AS key_place,
       ARRAY(
         SELECT DISTINCT setting::pg_catalog.text FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type
         CROSS JOIN LATERAL (
           -- Floats, and shapes, which are made of them. What other base types (cube, geometry) write is not known.
           SELECT 'extra_float_digits' WHERE t.oid IN (700, 701, 600, 601, 602, 603, 604, 628, 718)
             OR t.typtype = 'b' AND t.typcategory IN ('N', 'G', 'U') AND t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace
           UNION ALL SELECT 'bytea_output' WHERE t.oid = 17
           UNION ALL SELECT 'IntervalStyle' WHERE t.oid = 1186
           UNION ALL SELECT 'DateStyle' WHERE p.in_range AND t.oid IN (1082, 1114, 1184)
           -- With its offset a time is exact in every zone, but a key has to be the same text for everybody.
           UNION ALL SELECT 'TimeZone' WHERE t.oid = 1184 AND (p.in_range OR a.attnum = ANY (k.conkey))
         ) AS depends_on(setting)
         WHERE p.attnum = a.attnum
       ) AS written_by
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type whole ON whole.oid = a.atttypid
-- An array is told by its element.
JOIN pg_catalog.pg_type e ON e.oid = CASE
  WHEN whole.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc AND whole.typstorage <> 'p' THEN whole.typelem
  ELSE whole.oid END
JOIN pg_catalog.pg_namespace n ON n.oid = e.typnamespace
-- A type that the search_path finds is told without its schema, and with another search_path that may be another type. Words of the
-- grammar (integer, character varying) mean the same with each; where such a word is a name as well (numeric), the name has quotes.
CROSS JOIN LATERAL (
  SELECT CASE WHEN alone = pg_catalog.quote_ident(e.typname) AND pg_catalog.starts_with(words, alone)
              THEN pg_catalog.format('%I.%s', n.nspname, words) ELSE words END
  FROM (SELECT pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.format_type(e.oid, -1)) AS told(words, alone)
) AS qualified(type_name)
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'
WHERE a.attrelid = /*{table}*/'public.sample'::pg_catalog.regclass/*{}*/ AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;
