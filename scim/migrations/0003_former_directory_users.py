import django.db.models.deletion
from django.db import migrations, models

from orgs.base.tenant_keys import TenantForeignKey


class Migration(migrations.Migration):
    dependencies = [("orgs", "0007_indexes_of_tables_in_use"), ("scim", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="FormerDirectoryUser",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=256)),
                ("deleted_at", models.DateTimeField()),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scim.directory"
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orgs.membership"
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orgs.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("directory", "external_id"), name="former_directory_user_once"
                    ),
                    models.UniqueConstraint(
                        fields=("directory", "membership"), name="former_directory_user_one_per_member"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        name="former_directory_user_has_external_id",
                    ),
                ],
            },
        ),
        TenantForeignKey("FormerDirectoryUser", "directory"),
        TenantForeignKey("FormerDirectoryUser", "membership"),
    ]
