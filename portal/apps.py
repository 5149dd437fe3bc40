from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        # its receiver opens what a sign-in reaches
        # and without our Celery application a nudge would go to a broker that isn't there
        from portal import celery
        from portal.site import accounts

        del accounts, celery
