from django.db import migrations, models

from orgs.base.safe_indexes import AddIndexSafely


class Migration(migrations.Migration):
    # PostgreSQL builds an index beside writes only outside of a transaction
    atomic = False

    dependencies = [("orgs", "0006_address_verification")]

    operations = [
        AddIndexSafely(
            model_name="user",
            index=models.Index(fields=["made_by_org"], name="user_by_made_by_org"),
        ),
        AddIndexSafely(
            model_name="membershipaddress",
            index=models.Index(fields=["org", "address_key"], name="membership_address_lookup"),
        ),
    ]
