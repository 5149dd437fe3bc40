import django.db.models.deletion
from django.db import migrations, models

from orgs.base.tenant_keys import TenantForeignKey


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0003_former_directory_users'),
    ]

    operations = [
        migrations.AddField(
            model_name='directory',
            name='alerted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='alerted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='allowed_networks',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='noticed_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='refused_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='refused_ip',
            field=models.GenericIPAddressField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='replaces',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='successors', to='scim.scimtoken'),
        ),
        TenantForeignKey("ScimToken", "replaces"),
    ]
