from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sso", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="pendingsignin",
            name="is_test_mismatch",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="loginattempt",
            name="is_idp_initiated",
            field=models.BooleanField(default=None, null=True),
        ),
        migrations.AddField(
            model_name="loginattempt",
            name="is_signed",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
