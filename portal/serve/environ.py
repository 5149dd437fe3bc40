"""An HTTP request as ASGI servers describe it → the WSGI environ that Django reads (PEP 3333)."""

import sys
from collections.abc import Iterable, Mapping, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
# these name the body in CGI's way, without HTTP_
UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
# what joins the lines of one header (RFC 9110 §5.3, RFC 6265 §4.2.1)
JOINERS = {"HTTP_COOKIE": "; "}


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers under their CGI names; lines of one name are joined in their order.

    Names with an underscore are left out: CGI's names can't tell X_Forwarded_For from X-Forwarded-For, and proxies
    that set the one pass the other on from whoever sent it.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if "_" in name:
            continue
        key = UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        headers[key] = f"{headers[key]}{JOINERS.get(key, ',')}{value}" if key in headers else value
    return headers


def make_environ(scope: Scope, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the environ of a request whose body has been read; the process's own environment isn't in it."""
    server, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    # the raw path keeps bytes that aren't UTF-8
    path = unquote_to_bytes(scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    return {
        **headers,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
