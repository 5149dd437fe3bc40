from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from orgs.base.text import KEY_LENGTH, address_key

BATCH = 500


def admit_what_is_unknown(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of a message that wasn't verified nobody knows who began; a refusal for having begun unasked says it."""
    attempts = apps.get_model("sso", "LoginAttempt").objects.using(schema_editor.connection.alias)
    attempts.filter(name_id="").update(is_idp_initiated=None)
    attempts.filter(error__in=["unsolicited_refused", "other_person_signed_in"]).update(is_idp_initiated=True)


def say_no_where_it_is_unknown(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    attempts = apps.get_model("sso", "LoginAttempt").objects.using(schema_editor.connection.alias)
    attempts.filter(is_idp_initiated=None).update(is_idp_initiated=False)


def fill_facts(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Rows of before say whether they were signed, and are found by their NameID."""
    attempts = apps.get_model("sso", "LoginAttempt").objects.using(schema_editor.connection.alias).order_by("pk")
    last = 0
    while rows := list(attempts.filter(pk__gt=last)[:BATCH]):
        for row in rows:
            row.is_signed = "signature" in row.passed_checks
            row.name_id_key = address_key(row.name_id)[:KEY_LENGTH]
        attempts.bulk_update(rows, ["is_signed", "name_id_key"])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("sso", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="pendingsignin",
            name="is_astray",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="loginattempt",
            name="is_idp_initiated",
            field=models.BooleanField(default=None, null=True),
        ),
        migrations.AddField(
            model_name="loginattempt",
            name="is_signed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="loginattempt",
            name="name_id_key",
            field=models.CharField(blank=True, db_default="", default="", max_length=512),
        ),
        migrations.AddIndex(
            model_name="loginattempt",
            index=models.Index(fields=["org", "name_id_key"], name="login_attempt_by_name_id"),
        ),
        migrations.RunPython(admit_what_is_unknown, say_no_where_it_is_unknown),
        migrations.RunPython(fill_facts, migrations.RunPython.noop),
    ]
