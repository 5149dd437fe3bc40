"""Log lines: JSON in production, readable in development; never a secret, an assertion or a body."""

import re
from typing import Any

import structlog

_INVITATION = re.compile(r"((?:/|%2f)invitations(?:/|%2f)+)[^/%\s\"']+|ghi_[\w-]+", re.IGNORECASE)


def hide_links(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """No line holds the secret of an invitation's link; Django names the path of whatever it refuses."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _INVITATION.sub(lambda found: f"{found[1] or ''}[hidden]", value)
    return event


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    # last, so that it sees what the others put in
    hide_links,
]


def configure(level: str, *, as_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING with structlog rendering every line, its own and the libraries'."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # both print whole request bodies at debug
            "django_scim": {"level": "ERROR"},
            "saml2": {"level": "ERROR"},
            # a broker in files or in memory has no host name, and kombu says so at every connection
            "kombu.connection": {"level": "ERROR"},
            # it prints whole URLs, and a lookup's filter holds a person's address
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        },
    }
