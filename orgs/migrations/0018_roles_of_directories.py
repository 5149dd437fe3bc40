from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0017_audit_search_key")]

    operations = [
        migrations.AlterField(
            "rolegrant",
            "source",
            models.CharField(
                choices=[
                    ("person", "Given by a person"),
                    ("default", "The default role"),
                    ("group", "From a group"),
                    ("directory", "From the identity provider"),
                ],
                max_length=10,
            ),
        ),
    ]
