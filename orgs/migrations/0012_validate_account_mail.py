from django.db import migrations

from orgs.base.safe_constraints import ValidateCheck


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0011_name_id_addresses'),
    ]

    operations = [
        ValidateCheck('outboxevent', 'outbox_event_has_org_or_account'),
    ]
