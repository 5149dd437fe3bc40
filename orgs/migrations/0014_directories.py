from django.db import migrations, models
from django.db.models import Q

from orgs.base.safe_constraints import AddCheckSafely

IS_SCIM = Q(directory=None) | Q(source="scim")


class Migration(migrations.Migration):
    dependencies = [("orgs", "0013_address_loss")]

    operations = [
        migrations.AddField("group", "directory", models.UUIDField(blank=True, null=True)),
        migrations.AddField("suspension", "directory", models.UUIDField(blank=True, null=True)),
        AddCheckSafely("group", models.CheckConstraint(condition=IS_SCIM, name="group_of_directory_is_scim")),
        AddCheckSafely("suspension", models.CheckConstraint(condition=IS_SCIM, name="suspension_by_directory_is_scim")),
    ]
