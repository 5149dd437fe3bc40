"""What this process was started with. It travels in the environment, since granian's worker is a process of its own."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.http import HttpRequest

HOST = "127.0.0.1"
NAME = "Test IdP"


@dataclass(frozen=True, slots=True)
class Config:
    """Where the state is, where this site is, and what it is called."""

    folder: Path
    port: int
    name: str = NAME

    @property
    def base_url(self) -> str:
        """The site's address, without a slash at its end. Not at the portal's host, or both would share cookies."""
        return f"http://{HOST}:{self.port}"

    def publish(self) -> None:
        """Make `current` return this, in this process and in those that it starts."""
        os.environ["TEST_IDP_FOLDER"] = str(self.folder)
        os.environ["TEST_IDP_PORT"] = str(self.port)
        os.environ["TEST_IDP_NAME"] = self.name


def current() -> Config:
    """Return what was published."""
    return Config(
        folder=Path(os.environ["TEST_IDP_FOLDER"]),
        port=int(os.environ["TEST_IDP_PORT"]),
        name=os.environ["TEST_IDP_NAME"],
    )


def shell(request: HttpRequest) -> dict[str, Config]:
    """Return what every page shows, as a context processor."""
    return {"idp": current()}
