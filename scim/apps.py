from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "Provisioning"

    def ready(self) -> None:
        from scim.directories import tasks

        del tasks
