from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        # its receiver opens what a sign-in reaches
        from portal.site import accounts

        del accounts
