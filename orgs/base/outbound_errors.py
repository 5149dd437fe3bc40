"""Why another server wasn't called, or its answer not taken; each sentence is for whoever pasted the URL."""

from orgs.base.errors import DomainError


class OutboundRefused(DomainError):
    """The call has no result; nothing of an answer was kept."""

    code = "outbound_refused"
    public = "That server can't be called."


class UrlRefused(OutboundRefused):
    """The URL leads nowhere that is called, whatever answers there."""

    code = "url_refused"
    public = "That address can't be called."


class UrlInvalid(UrlRefused):
    code = "url_invalid"
    public = "That isn't a web address. Paste the whole of it, beginning with https://."


class UrlNotHttps(UrlRefused):
    code = "url_not_https"
    public = "The address must begin with https://: without it, anybody on the way could change the answer."


class UrlHasCredentials(UrlRefused):
    code = "url_has_credentials"
    public = "The address holds a user name or a password. Take out what stands before the @."


class HostNotFound(UrlRefused):
    code = "host_not_found"
    public = "DNS knows no server of that name. Look for a typing mistake in the address."


class AddressPrivate(UrlRefused):
    code = "address_private"
    public = "That address leads into a private network, which isn't called. Use one that the internet can reach."


class RedirectRefused(OutboundRefused):
    """The server sends us on to a URL that would be refused as a first one, for the reason that follows."""

    code = "redirect_refused"

    def __init__(self, reason: UrlRefused) -> None:
        super().__init__(f"The server sends us on to another address, which can't be called. {reason.public}")


class TooManyRedirects(OutboundRefused):
    code = "too_many_redirects"
    public = "The server sends us on more than three times. Paste the address at which the document really is."


class LookUpFailed(OutboundRefused):
    code = "look_up_failed"
    public = "DNS didn't say where that server is. Try again in a minute."


class CallTimedOut(OutboundRefused):
    code = "call_timed_out"
    public = "The server took too long to answer. Check the address, or try again later."


class ConnectionRefused(OutboundRefused):
    code = "connection_refused"
    public = "The server refused the connection. Check the address and its port."


class ServerUnreachable(OutboundRefused):
    code = "server_unreachable"
    public = "The server can't be reached from here. Check the address, or try again later."


class CertificateUntrusted(OutboundRefused):
    code = "certificate_untrusted"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The server's TLS certificate isn't trusted ({reason}). Its operator must renew or replace it."
        )


class TlsFailed(OutboundRefused):
    code = "tls_failed"
    public = "No secure connection came about: the server doesn't speak TLS there, or only an old version of it."


class AnswerBroken(OutboundRefused):
    code = "answer_broken"
    public = "The server broke off, or its answer isn't HTTP. Check the address, or try again later."


class StatusUnexpected(OutboundRefused):
    """`status` is what the server answered instead of 200."""

    code = "status_unexpected"

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"The server answered with status {status} instead of the document. Check the address.")


class AnswerCompressed(OutboundRefused):
    code = "answer_compressed"
    public = "The server compressed its answer, although it was asked not to. Such an answer isn't unpacked."


class AnswerTooLarge(OutboundRefused):
    code = "answer_too_large"
    public = "The answer is larger than 1 MiB, so it isn't the document that is wanted. Check the address."


class AnswerFragmented(OutboundRefused):
    code = "answer_fragmented"
    public = "The server cuts its answer into far too many pieces, so it isn't taken. Check the address."
