"""Granian's parent process: it keeps the workers, and replaces one only once its successor serves."""

import multiprocessing
import os
import signal
import socket
import time
from multiprocessing.connection import Connection
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels, logger
from granian.net import SocketHolder
from granian.server.mp import WorkerProcess as Worker

from portal.serve.worker import Loader

TARGET = "portal.serve.application:make_application"
# of one process, of whatever is connected, also of who sends nothing
CONNECTIONS = 4096
BACKLOG = 2048
HEADER_MILLISECONDS = 15_000
START_SECONDS = 120.0
# how long a worker that leaves goes on serving, and closes each connection with its next answer
LEAVE_SECONDS = 3.0
# longer than a body may take to arrive, and its answer
STOP_SECONDS = 50
MOST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0
LOOK_SECONDS = 0.05


class Server(Granian):  # type: ignore[misc]
    """All workers accept from one listening socket: with one for each, what waits in it is lost with its worker."""

    def __init__(self, *, host: str, port: int, workers: int, threads: int | None = None) -> None:
        super().__init__(
            TARGET,
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            workers=workers,
            websockets=False,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
            log_level=LogLevels.info,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS,
        )
        self.threads = threads
        self.listener: socket.socket | None = None
        self.next_starts: dict[int, float] = {}
        self.failures: dict[int, int] = {}

    def listen(self) -> None:
        """Raises OSError when the address can't be used."""
        family = socket.AF_INET6 if ":" in self.bind_addr else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.bind_addr, self.bind_port))
        self.listener.set_inheritable(True)

    def _init_shared_socket(self) -> None:
        assert self.listener is not None  # noqa: S101 - main listens before it serves
        self.listener.listen(self.backlog)
        self.listener.setblocking(False)  # noqa: FBT003 - its only parameter
        self._sso = self.listener
        self._sfd = self.listener.fileno()
        self._shd = SocketHolder(self._sfd, False, self.backlog)  # noqa: FBT003 - it takes positions only

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Worker:
        """Return a worker, not yet started, that says in `ready` when it serves."""
        ready, says = multiprocessing.Pipe(duplex=False)
        worker = super()._spawn_worker(idx, target, Loader(self.threads, says, os.getpid()))
        # the parent's copy of the other end goes with the arguments once the worker is started
        worker.ready = ready
        return worker

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(self._seconds_to_next_start())
            self.main_loop_interrupt.clear()
            if self.reload_signal:
                self._reload(spawn_target, target_loader)
            self._plan_starts()
            for idx in [idx for idx, due in self.next_starts.items() if due <= time.monotonic()]:
                if not self.interrupt_signal:
                    self._start_again(idx, spawn_target, target_loader)

    def _seconds_to_next_start(self) -> float | None:
        return max(0.0, min(self.next_starts.values()) - time.monotonic()) if self.next_starts else None

    def _plan_starts(self) -> None:
        """Plan the successor of each worker that ended by itself: at once, or later the more often it has failed."""
        while self.interrupt_children:
            idx = self.interrupt_children.pop(0)
            if time.monotonic() - self.wrks[idx].birth > STEADY_SECONDS:
                self.failures[idx] = 0
            failures = self.failures.get(idx, 0)
            self.failures[idx] = failures + 1
            delay = min(2.0 ** (failures - 1), MOST_DELAY_SECONDS) if failures else 0.0
            self.next_starts[idx] = time.monotonic() + delay

    def _start_again(self, idx: int, spawn_target: Any, target_loader: Any) -> None:
        del self.next_starts[idx]
        logger.info(f"Respawning worker-{idx + 1}")
        self.wrks[idx] = self._spawn_worker(idx, spawn_target, target_loader)
        self.wrks[idx].start()

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        """Replace the workers one by one; the rest stay as they are once a successor doesn't come to serve."""
        for idx in workers:
            successor = self._spawn_worker(idx, spawn_target, target_loader)
            # until it serves its end concerns nobody
            successor.interrupt_by_parent = True
            successor.start()
            if not self._wait_until_ready(successor):
                logger.error(f"The new worker-{idx + 1} doesn't serve: the workers that do stay")
                successor.kill()
                return
            successor.interrupt_by_parent = False
            old, self.wrks[idx] = self.wrks[idx], successor
            self.next_starts.pop(idx, None)
            self._retire(old)

    def _wait_until_ready(self, worker: Worker) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and worker.is_alive() and not self.interrupt_signal:
            if worker.ready.poll(LOOK_SECONDS):
                return _says_ready(worker.ready) and worker.is_alive()
        return False

    def _retire(self, worker: Worker) -> None:
        """Let a worker hand its clients on, then finish what it has begun, then end."""
        worker.interrupt_by_parent = True
        if worker.is_alive():
            os.kill(worker.inner.pid, signal.SIGUSR1)
            self._wait(LEAVE_SECONDS, worker)
        worker.terminate()
        self._wait(STOP_SECONDS, worker)
        if worker.is_alive() and self.interrupt_signal:
            # the end of all waits for this one, too
            self.wrks.append(worker)
            return
        if worker.is_alive():
            logger.warning(f"Killing old worker-{worker.idx + 1}: it didn't finish within {STOP_SECONDS} s")
            worker.kill()
        worker.join()
        logger.info(f"Stopped old worker-{worker.idx + 1}")

    def _wait(self, seconds: float, worker: Worker) -> None:
        deadline = time.monotonic() + seconds
        while worker.is_alive() and not self.interrupt_signal and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)


def _says_ready(pipe: Connection) -> bool:
    try:
        return bool(pipe.recv())
    except EOFError:
        return False
