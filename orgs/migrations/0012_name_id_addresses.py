from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0009_invitation_links'),
    ]

    operations = [
        migrations.AlterField(
            model_name='membershipaddress',
            name='kind',
            field=models.CharField(choices=[('current', 'Current'), ('former', 'Former'), ('name_id', 'Former, still their Name ID')], default='current', max_length=10),
        ),
    ]
