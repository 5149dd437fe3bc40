from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery


def name_directories(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Say of which directory each group is, and each suspension by one: an organization had one directory so far."""
    Directory = apps.get_model("scim", "Directory")
    DirectoryGroup = apps.get_model("scim", "DirectoryGroup")
    of_group = DirectoryGroup.objects.filter(group_id=OuterRef("pk")).values("directory__public_id")[:1]
    apps.get_model("orgs", "Group").objects.filter(source="scim", directory=None).update(directory=Subquery(of_group))
    first = Directory.objects.filter(org_id=OuterRef("org_id")).order_by("id").values("public_id")[:1]
    suspensions = apps.get_model("orgs", "Suspension").objects.filter(source="scim", directory=None)
    suspensions.update(directory=Subquery(first))


class Migration(migrations.Migration):
    dependencies = [("orgs", "0014_directories"), ("scim", "0004_token_rotation")]

    operations = [migrations.RunPython(name_directories, migrations.RunPython.noop)]
