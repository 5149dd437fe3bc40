"""Triggers that note how many users and groups come and go, and what was there before (PostgreSQL)."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES = {"users": "scim_directoryuser", "groups": "scim_directorygroup"}
FUNCTION = """
CREATE FUNCTION scim_count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  one record;
BEGIN
  FOR one IN SELECT org_id, directory_id, count(*) AS rows FROM changed GROUP BY org_id, directory_id LOOP
    IF TG_OP = 'INSERT' THEN
      INSERT INTO scim_directorycount (org_id, directory_id, kind, change)
      VALUES (one.org_id, one.directory_id, TG_ARGV[0], one.rows);
    ELSE
      -- without any count the directory itself is being deleted
      INSERT INTO scim_directorycount (org_id, directory_id, kind, change)
      SELECT one.org_id, one.directory_id, TG_ARGV[0], -one.rows WHERE EXISTS (
        SELECT FROM scim_directorycount WHERE directory_id = one.directory_id AND kind = TG_ARGV[0]);
    END IF;
    -- rows that another transaction sums up are left to it: nobody waits
    IF random() < 0.02 THEN
      WITH held AS (
        SELECT id FROM scim_directorycount WHERE directory_id = one.directory_id AND kind = TG_ARGV[0]
        FOR UPDATE SKIP LOCKED),
      gone AS (DELETE FROM scim_directorycount USING held WHERE scim_directorycount.id = held.id RETURNING change)
      INSERT INTO scim_directorycount (org_id, directory_id, kind, change)
      SELECT one.org_id, one.directory_id, TG_ARGV[0], sum(change) FROM gone HAVING count(*) > 0;
    END IF;
  END LOOP;
  RETURN NULL;
END
$$
"""
# nobody changes the table between its trigger and the count, since to make a trigger locks it
TRIGGERS = """
CREATE TRIGGER count_made AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION scim_count_rows('{kind}');
CREATE TRIGGER count_gone AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION scim_count_rows('{kind}');
INSERT INTO scim_directorycount (org_id, directory_id, kind, change)
SELECT org_id, directory_id, '{kind}', count(*) FROM {table} GROUP BY org_id, directory_id
"""


def keep(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(FUNCTION)
    for kind, table in TABLES.items():
        schema_editor.execute(TRIGGERS.format(kind=kind, table=table))


def keep_no_more(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES.values():
        schema_editor.execute(f"DROP TRIGGER count_made ON {table}; DROP TRIGGER count_gone ON {table}")
    schema_editor.execute("DROP FUNCTION scim_count_rows()")
    schema_editor.execute("DELETE FROM scim_directorycount")


class Migration(migrations.Migration):
    dependencies = [("scim", "0013_directory_counts")]

    operations = [migrations.RunPython(keep, keep_no_more)]
