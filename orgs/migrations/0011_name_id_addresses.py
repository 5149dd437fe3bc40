from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0010_index_of_given_up_events'),
    ]

    operations = [
        migrations.AlterField(
            model_name='membershipaddress',
            name='kind',
            field=models.CharField(choices=[('current', 'Current'), ('former', 'Former'), ('name_id', 'Former, still their Name ID')], default='current', max_length=10),
        ),
    ]
