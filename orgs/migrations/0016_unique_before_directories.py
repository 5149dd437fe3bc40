from django.db import migrations

from orgs.base.safe_constraints import ValidateCheck


class Migration(migrations.Migration):
    dependencies = [("orgs", "0015_unique_by_directory")]

    operations = [
        migrations.RemoveConstraint("group", "group_name_once_per_source"),
        migrations.RemoveConstraint("suspension", "one_hold_per_source"),
        ValidateCheck("group", "group_of_directory_is_scim"),
        ValidateCheck("suspension", "suspension_by_directory_is_scim"),
    ]
