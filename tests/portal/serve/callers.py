"""Callers of an ASGI application, and an application that answers what it was asked."""

import asyncio
import json
from typing import Any

from portal.serve.application import Application
from portal.serve.bodies import Bodies, Bounds
from portal.serve.threads import Threads

SCIM = "/scim/v2/x/Users"


def scope(path: str = "/", *headers: tuple[bytes, bytes], method: str = "POST", **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("198.51.100.9", 1),
        "headers": list(headers),
    } | more


class Caller:
    """One request: gives its parts, one at a time; after the last of an unfinished one comes nothing any more."""

    def __init__(self, *parts: bytes, is_finished: bool = True, is_gone: bool = False) -> None:
        self.parts = list(parts)
        self.is_finished, self.is_gone = is_finished, is_gone
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self.parts:
            part = self.parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.parts) or not self.is_finished}
        if self.is_gone:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


def echo(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "application/json")])
    names = ("PATH_INFO", "CONTENT_LENGTH", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_COOKIE", "HTTP_HOST")
    shown = {name: environ[name] for name in names if name in environ}
    return [json.dumps(shown | {"body": environ["wsgi.input"].read().decode()}).encode()]


def made(wsgi: Any = echo, **bounds: Any) -> Application:
    return Application(Threads(wsgi, 2), Bodies(Bounds(**bounds)))


def ask(application: Application, caller: Caller, asked: dict[str, Any]) -> Caller:
    asyncio.run(application(asked, caller.receive, caller.send))
    return caller


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", str(number).encode()


async def at_once(application: Application, *requests: tuple[Caller, dict[str, Any]]) -> None:
    tasks = []
    for caller, asked in requests:
        tasks.append(asyncio.create_task(application(asked, caller.receive, caller.send)))
        for _ in range(9):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
