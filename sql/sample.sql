-- What the other files of this folder are filled with, so that each of them also runs under psql: psql -f sql/sample.sql first.
CREATE SCHEMA IF NOT EXISTS pgfeed;
CREATE TABLE public.sample (id integer PRIMARY KEY, title text);
