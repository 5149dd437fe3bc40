from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0012_validate_account_mail'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='address_lost_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
