from django.db import migrations, models
from django.db.models import Q

from orgs.base.safe_indexes import AddUniqueSafely

NONE, SOME = Q(directory=None), Q(directory__isnull=False)


class Migration(migrations.Migration):
    # PostgreSQL builds an index beside writes only outside of a transaction
    atomic = False

    dependencies = [("orgs", "0014_directories")]

    operations = [
        AddUniqueSafely(
            "group",
            models.UniqueConstraint(
                fields=["org", "source", "name_key"], condition=NONE, name="group_name_once_per_origin"
            ),
        ),
        AddUniqueSafely(
            "group",
            models.UniqueConstraint(
                fields=["directory", "name_key"], condition=SOME, name="group_name_once_per_directory"
            ),
        ),
        AddUniqueSafely(
            "suspension",
            models.UniqueConstraint(
                fields=["membership", "source"], condition=NONE, name="one_suspension_per_source"
            ),
        ),
        AddUniqueSafely(
            "suspension",
            models.UniqueConstraint(
                fields=["membership", "directory"], condition=SOME, name="one_suspension_per_directory"
            ),
        ),
    ]
