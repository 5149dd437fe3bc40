from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "Provisioning"

    def ready(self) -> None:
        from orgs.events.services import members_changed
        from scim.directories import tasks
        from scim.users.services import relist

        del tasks
        members_changed.connect(relist)
