"""Servers on loopback for tests of outbound calls: HTTP, TLS with a certificate of their own, and bare bytes."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """An HTTP server on loopback; `seen` holds the headers of each request."""

    port: int = 0
    scheme: str = "http"
    seen: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server()

    class Visitor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.seen.append({"path": self.path, **dict(self.headers)})
            try:
                answer(self)
            except OSError:
                # the caller has hung up, as it should
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Print nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Visitor)
    server.port = listener.server_port
    if context is not None:
        server.scheme = "https"
        listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


@contextmanager
def speaking(words: bytes, gap: float = 0.0) -> Iterator[str]:
    """Serve these bytes to whoever connects, one at a time when there is a gap, and yield the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def speak() -> None:
        with listener.accept()[0] as visitor:
            # unread, it would make the system break the connection off as soon as this end is closed
            visitor.recv(2**16)
            for piece in (words[at : at + 1] for at in range(len(words))) if gap else (words,):
                if over.is_set():
                    return
                visitor.sendall(piece)
                over.wait(gap)

    def run() -> None:
        try:
            speak()
        except OSError:
            return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        over.set()
        listener.close()
        thread.join()


def plain(status: int = 200, body: bytes = b"<md/>", **headers: str) -> Answer:
    def answer(visitor: BaseHTTPRequestHandler) -> None:
        visitor.send_response(status)
        for name, text in headers.items():
            visitor.send_header(name.replace("_", "-"), text)
        visitor.end_headers()
        visitor.wfile.write(body)

    return answer


def certificate(folder: Path, name: str, *, days: int = 30) -> ssl.SSLContext:
    """Write a self-signed certificate to `folder`/cert.pem, and return a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    moment = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=60))
        .not_valid_after(moment + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(*kinds))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
