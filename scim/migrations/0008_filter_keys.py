from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scim", "0007_rehearsals")]

    operations = [
        migrations.AddField(model_name="directoryuser", name="filter_keys", field=models.JSONField(default=dict, db_default={})),
    ]
