from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "Single sign-on"

    def ready(self) -> None:
        # says what it delivers from the outbox
        from sso.connections import tasks

        del tasks
