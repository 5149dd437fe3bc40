"""A request is there whatever its headers say, so that middleware can refuse it."""

from typing import Any

from django.core.handlers.wsgi import WSGIRequest


class LenientRequest(WSGIRequest):
    """One whose Content-Type can't be read has no type, and a charset that isn't read: Django would answer 500 to it."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except ValueError:
            self.content_type, self.content_params = "", {"charset": ""}
