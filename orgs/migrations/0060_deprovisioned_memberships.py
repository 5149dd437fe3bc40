import django.db.models.functions.datetime
from django.db import migrations, models

import orgs.base.clock


class Migration(migrations.Migration):
    dependencies = [("orgs", "0055_indexes_of_tables_in_use")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="deprovisioned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RemoveConstraint(model_name="membership", name="one_membership_per_address"),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deprovisioned_at__isnull", True)),
                fields=("org", "email_key"),
                name="one_membership_per_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("deprovisioned_at__isnull", True), ("state", "suspended"), _connector="OR"),
                name="membership_deprovisioned_is_suspended",
            ),
        ),
        migrations.AddField(
            model_name="membershipaddress",
            name="since",
            field=models.DateTimeField(default=orgs.base.clock.now, db_default=django.db.models.functions.datetime.Now()),
        ),
    ]
