from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="domain",
            name="last_answer",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="domain",
            name="last_outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("verified", "Record found"),
                    ("not_found", "No record"),
                    ("wrong_value", "Another value"),
                    ("unreachable", "DNS didn't answer"),
                    ("taken", "Verified by another organization"),
                ],
                db_default="",
                default="",
                max_length=12,
            ),
        ),
    ]
