"""What runs in a worker process: Django is imported here, never in the parent, so that a reload brings new code."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.serve.application import Application

LOOK_SECONDS = 1.0
# a moment after the event loop runs, the server accepts
READY_SECONDS = 0.1


def load(threads: int | None = None) -> "Application":
    """Return the application. Exits with one line for each thing that is wrong with the configuration."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        from portal.serve.application import make_application

        return make_application(threads)
    except (ImproperlyConfigured, RuntimeError) as error:
        sys.stderr.write(f"The portal can't start: {error}\n")
        sys.exit(1)


def try_to_load() -> None:
    """Load the application as a worker will, say what is unwise about the configuration, and exit."""
    load()
    from portal.site.proxies import start_warning

    if warning := start_warning():
        sys.stderr.write(f"Warning: {warning}\n")


@dataclass(frozen=True, slots=True)
class Loader:
    """Makes the application of one worker, which tells its parent through `says` when it serves."""

    threads: int | None
    says: Connection
    parent: int

    def __call__(self) -> "Application":
        # the parent's handlers came along with the fork: until the event loop has its own, SIGTERM ends the process
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        application = load(self.threads)
        application.on_start = lambda: self._start(application)
        return application

    def _start(self, application: "Application") -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, application.leave)
        loop.call_later(READY_SECONDS, self._say_ready)
        loop.call_later(LOOK_SECONDS, self._end_with_parent)

    def _say_ready(self) -> None:
        try:
            self.says.send("ready")
            self.says.close()
        except OSError:
            # nobody waits for it: the parent started this worker to replace one that had died
            return

    def _end_with_parent(self) -> None:
        """Stop when the parent is gone: a worker alone would keep the port from the next one."""
        if os.getppid() != self.parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._end_with_parent)
