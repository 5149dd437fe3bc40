import django.db.models.deletion
import uuid
from django.db import migrations, models

from orgs.base.tenant_keys import TenantForeignKey


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0017_audit_search_key'),
        ('scim', '0006_log_by_days'),
    ]

    operations = [
        migrations.AddField(
            model_name='scimtoken',
            name='is_rehearsal',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name='Rehearsal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('provider', models.CharField(max_length=20)),
                ('with_groups', models.BooleanField(default=True)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('passed', 'Passed'), ('failed', 'Failed'), ('interrupted', 'Interrupted')], default='waiting', max_length=12)),
                ('steps', models.JSONField(default=list)),
                ('made', models.JSONField(blank=True, default=list)),
                ('asked_by_label', models.CharField(blank=True, max_length=254)),
                ('asked_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('directory', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rehearsals', to='scim.directory')),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orgs.organization')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('org', 'id'), name='rehearsal_in_org'), models.UniqueConstraint(condition=models.Q(('state__in', ('waiting', 'running'))), fields=('directory',), name='rehearsal_one_at_a_time')],
            },
        ),
        TenantForeignKey("Rehearsal", "directory"),
    ]
