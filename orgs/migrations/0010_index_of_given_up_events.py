from django.db import migrations, models
from django.db.models import Q

from orgs.base.safe_indexes import AddIndexSafely


class Migration(migrations.Migration):
    # PostgreSQL builds an index beside writes only outside of a transaction
    atomic = False

    dependencies = [("orgs", "0009_invitation_links")]

    operations = [
        AddIndexSafely(
            model_name="outboxevent",
            index=models.Index(
                condition=Q(canceled_at__isnull=True, delivered_at__isnull=True, failed_at__isnull=False),
                fields=["failed_at"],
                name="outbox_given_up",
            ),
        ),
    ]
