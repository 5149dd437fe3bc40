"""What metrics tell beside what django-prometheus counts: the outbox, a worker's last report, and lost log rows."""

from datetime import datetime

from django.db import DatabaseError, InterfaceError
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from orgs.base import buffers
from orgs.base.clock import now
from orgs.events import queries as outbox


def age_of(heartbeat: datetime | None) -> float | None:
    """Return how many seconds ago a worker last reported, or None when none ever did."""
    return None if heartbeat is None else round((now() - heartbeat).total_seconds(), 1)


def as_text() -> bytes:
    """Return the figures as Prometheus reads them; without the database only that it is away.

    A registry of its own: the figures are the installation's, not one process'.
    """
    registry = CollectorRegistry()
    is_up = Gauge("gatehouse_database_up", "Whether the database answers.", registry=registry)
    try:
        _add_outbox(registry)
        _add_buffers(registry)
    except (DatabaseError, InterfaceError):
        is_up.set(0)
    else:
        is_up.set(1)
    text: bytes = generate_latest(registry)
    return text


def _add_outbox(registry: CollectorRegistry) -> None:
    backlog, age = outbox.backlog(), age_of(outbox.heartbeat())
    figures = (
        ("gatehouse_outbox_waiting", "Outbox events that wait for delivery.", backlog.waiting),
        ("gatehouse_outbox_given_up", "Outbox events that nobody tries any more.", backlog.given_up),
        ("gatehouse_outbox_oldest_seconds", "How late the oldest due outbox event is.", backlog.oldest_seconds),
        # Prometheus' word for no value: no worker has ever reported
        (
            "gatehouse_worker_heartbeat_age_seconds",
            "Since a worker last reported.",
            float("nan") if age is None else age,
        ),
    )
    for name, text, value in figures:
        Gauge(name, text, registry=registry).set(value)


def _add_buffers(registry: CollectorRegistry) -> None:
    lost = Gauge(
        "gatehouse_buffered_rows_lost",
        "Rows that were to be written after their request, and weren't; anew after 30 days without one.",
        ["buffer"],
        registry=registry,
    )
    for name, count in buffers.lost_rows().items():
        lost.labels(name).set(count)
