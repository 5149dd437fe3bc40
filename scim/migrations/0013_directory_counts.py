from django.db import migrations, models

from orgs.base.tenant_keys import TenantForeignKey


class Migration(migrations.Migration):
    dependencies = [("scim", "0012_indexes_of_pages")]

    operations = [
        migrations.CreateModel(
            name="DirectoryCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10)),
                ("change", models.BigIntegerField()),
                (
                    "directory",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.deletion.CASCADE,
                        related_name="+",
                        to="scim.directory",
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["directory", "kind"], name="directory_count_of")]},
        ),
        TenantForeignKey("DirectoryCount", "directory"),
    ]
