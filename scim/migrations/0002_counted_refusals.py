from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("scim", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="requestlog",
            name="count",
            field=models.PositiveIntegerField(default=1, db_default=1),
        ),
    ]
