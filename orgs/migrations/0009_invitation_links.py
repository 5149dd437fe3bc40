import django.db.models.deletion
from django.db import migrations, models

from orgs.base.tenant_keys import TenantForeignKey


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0008_account_mail'),
    ]

    operations = [
        migrations.CreateModel(
            name='InvitationLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('address_key', models.CharField(max_length=512)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('invitation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='orgs.invitation')),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orgs.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'id'), name='invitation_link_in_org')],
            },
        ),
        TenantForeignKey('InvitationLink', 'invitation'),
    ]
