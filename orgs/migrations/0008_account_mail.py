import django.db.models.deletion
from django.db import migrations, models

from orgs.base.safe_constraints import AddCheckSafely


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0007_indexes_of_tables_in_use'),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=20, unique=True)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AlterField(
            model_name='outboxevent',
            name='org',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orgs.organization'),
        ),
        AddCheckSafely(
            model_name='outboxevent',
            constraint=models.CheckConstraint(condition=models.Q(('org__isnull', False), ('kind', 'account.mail'), _connector='OR'), name='outbox_event_has_org_or_account'),
        ),
    ]
