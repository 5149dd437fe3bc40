from django.db import migrations, models

from orgs.base.safe_indexes import AddIndexSafely


class Migration(migrations.Migration):
    # PostgreSQL builds an index beside writes only outside of a transaction
    atomic = False

    dependencies = [("scim", "0011_listed_members")]

    operations = [
        AddIndexSafely(
            model_name="directoryuser",
            index=models.Index(fields=["directory", "id"], name="directory_user_page"),
        ),
        AddIndexSafely(
            model_name="directorygroup",
            index=models.Index(fields=["directory", "id"], name="directory_group_page"),
        ),
    ]
