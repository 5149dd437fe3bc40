"""The Celery application: Redis when there is one, else a broker in files; either way one real worker, and beat beside it."""

import os
from pathlib import Path

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.production")
SWEEP_SECONDS = 10.0


def file_broker(folder: Path) -> dict[str, object]:
    """Return the transport options of a broker that keeps its messages in one folder."""
    for name in ("messages", "processed", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "processed"),
        "control_folder": str(folder / "control"),
        "store_processed": False,
    }


app = Celery("gatehouse")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    accept_content=["json"],
    task_serializer="json",
    task_time_limit=300,
    timezone="UTC",
    worker_hijack_root_logger=False,
    beat_schedule={
        # the outbox row is the job: this sweep finds what a lost nudge left behind
        "sweep-outbox": {"task": "orgs.events.drain_outbox", "schedule": SWEEP_SECONDS, "options": {"expires": 60}},
        "prune-events": {"task": "orgs.events.prune", "schedule": 3600.0},
        "prune-accounts": {"task": "orgs.tenancy.prune", "schedule": 3600.0},
        "prune-invitations": {"task": "orgs.invitations.prune", "schedule": 3600.0},
        "prune-sign-ins": {"task": "sso.signin.prune", "schedule": 3600.0},
        "prune-request-log": {"task": "scim.requests.prune", "schedule": 3600.0},
        "plan-token-notices": {"task": "scim.directories.plan_notices", "schedule": 600.0},
        "worker-heartbeat": {"task": "portal.heartbeat", "schedule": 15.0, "options": {"expires": 30}},
    },
    beat_schedule_filename=str(settings.VAR_DIR / "beat-schedule"),
)
if settings.CELERY_BROKER_URL.startswith("filesystem"):
    app.conf.broker_transport_options = file_broker(settings.VAR_DIR / "broker")
else:
    # a stalled Redis must not hold whoever nudges: it gives up within a second
    app.conf.broker_transport_options = {
        "max_retries": 0,
        "interval_start": 0,
        "connect_retries_timeout": 1,
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
        "visibility_timeout": 600,
        "unacked_restore_limit": 100,
    }
app.autodiscover_tasks(
    [
        "orgs.events",
        "orgs.invitations",
        "orgs.people",
        "orgs.tenancy",
        "sso.connections",
        "sso.signin",
        "scim.directories",
        "scim.rehearsal",
        "scim.requests",
        "portal.site",
    ],
    related_name="tasks",
)
