-- What becomes of a row that a backfill has found, where the condition fails for some: these are stored, as the trigger stores a
-- change for which it fails. What passes is no failure of the condition, and ends the backfill.
CREATE FUNCTION pg_temp.pgfeed_fate(new /*{table}*/public.sample/*{}*/) RETURNS text LANGUAGE plpgsql AS $pgfeed$
#variable_conflict use_variable
BEGIN
  RETURN CASE WHEN /*{when}*/true/*{}*/ THEN 'stored' ELSE 'unwanted' END;
EXCEPTION
  WHEN connection_exception OR transaction_rollback OR insufficient_resources OR operator_intervention OR system_error
    OR lock_not_available OR object_in_use OR read_only_sql_transaction OR SQLSTATE '72000' THEN
    RAISE;
  WHEN OTHERS OR ASSERT_FAILURE THEN
    RETURN 'failed: ' || SQLERRM;
END $pgfeed$;
