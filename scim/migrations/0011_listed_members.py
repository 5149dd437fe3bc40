from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scim", "0010_connection_tests")]

    operations = [
        migrations.AddField(
            "directory",
            "listing",
            models.CharField(
                choices=[("until_sync", "Until the first sync"), ("on", "On"), ("off", "Off")],
                db_default="off",
                default="off",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "directoryuser", "is_listed", models.BooleanField(db_default=False, default=False)
        ),
    ]
