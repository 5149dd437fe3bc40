"""Log lines: JSON in production, readable in development; never a secret, an assertion or a body."""

import logging
from time import monotonic
from typing import Any

import structlog

from portal.settings.masking import mask_secrets

LONGEST_LINE = 200


def mask_line(logger: Any, name: str, line: str) -> str:
    """Mask secrets in the finished line, whatever brought them there: message, arguments, fields or a traceback."""
    return mask_secrets(line)


class SecurityLines(logging.Filter):
    """What strangers make Django's security loggers say: one short line without a traceback, and so many a minute.

    A request with a wrong Host header would print a traceback, and anybody can send any number of them.
    """

    def __init__(self, per_minute: int = 30) -> None:
        super().__init__()
        self.per_minute = per_minute
        self.minute, self.count = 0.0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("django.security"):
            return True
        minute = monotonic() // 60
        left_out = max(0, self.count - self.per_minute) if minute != self.minute else 0
        if minute != self.minute:
            self.minute, self.count = minute, 0
        self.count += 1
        record.exc_info = record.exc_text = None
        note = f" ({left_out} more lines like it were left out before)" if left_out else ""
        record.msg, record.args = record.getMessage()[:LONGEST_LINE] + note, ()
        return self.count <= self.per_minute


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
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
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, mask_line],
            }
        },
        "filters": {"security": {"()": SecurityLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["security"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would write lines beside ours
            "django": {"level": level},
            # it prints statements with their parameters
            "django.db.backends": {"level": "INFO"},
            "granian.access": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
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
