from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "orgs"
    verbose_name = "Organizations"

    def ready(self) -> None:
        # each tasks module says what it delivers from the outbox, and what follows from the proof of a domain
        from orgs.events import tasks as event_tasks
        from orgs.invitations import tasks as invitation_tasks
        from orgs.people import tasks as people_tasks

        del event_tasks, invitation_tasks, people_tasks
