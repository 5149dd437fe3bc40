from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def admit_what_is_unknown(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of a message that wasn't verified nobody knows who began; a refusal for having begun unasked says it."""
    attempts = apps.get_model("sso", "LoginAttempt").objects.using(schema_editor.connection.alias)
    attempts.filter(name_id="").update(is_idp_initiated=None)
    attempts.filter(error__in=["unsolicited_refused", "other_person_signed_in"]).update(is_idp_initiated=True)


def say_no_where_it_is_unknown(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    attempts = apps.get_model("sso", "LoginAttempt").objects.using(schema_editor.connection.alias)
    attempts.filter(is_idp_initiated=None).update(is_idp_initiated=False)


class Migration(migrations.Migration):
    dependencies = [("sso", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="pendingsignin",
            name="is_astray",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="loginattempt",
            name="is_idp_initiated",
            field=models.BooleanField(default=None, null=True),
        ),
        migrations.AddField(
            model_name="loginattempt",
            name="is_signed",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(admit_what_is_unknown, say_no_where_it_is_unknown),
    ]
