"""Events of a kind that only tests deliver."""

from orgs.events import services
from orgs.events.models import OutboxEvent

KIND = "test.noted"


def add(org, key="1", kind=KIND, **options):
    return services.add(org=org, kind=kind, key=key, **options)


def stored(event):
    return OutboxEvent.objects.get(pk=event.pk)
