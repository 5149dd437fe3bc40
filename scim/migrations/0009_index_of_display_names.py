from django.db import migrations, models

from orgs.base.safe_indexes import AddIndexSafely


class Migration(migrations.Migration):
    # PostgreSQL builds an index beside writes only outside of a transaction
    atomic = False

    dependencies = [("scim", "0008_filter_keys")]

    operations = [
        AddIndexSafely(
            model_name="directoryuser",
            index=models.Index(fields=["directory", "display_name_key"], name="directory_user_display_name"),
        ),
    ]
