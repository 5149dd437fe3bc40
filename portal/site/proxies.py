"""Whose address a request comes from, and whether TRUSTED_PROXY_COUNT fits what arrives."""

from ipaddress import ip_address

from django.conf import settings

BEHIND_PROXY = (
    "PUBLIC_BASE_URL is https, so a proxy ends TLS in front of the portal, but TRUSTED_PROXY_COUNT is 0:"
    " every client has the proxy's address, and ten wrong passwords lock everybody out."
    " Set TRUSTED_PROXY_COUNT to the number of proxies that add to X-Forwarded-For, mostly 1."
)


def client_address(direct: str, forwarded: str) -> str:
    """Return the address that our outermost proxy saw; X-Forwarded-For counts only as far as TRUSTED_PROXY_COUNT."""
    hops = read_hops(forwarded)
    trusted: int = settings.TRUSTED_PROXY_COUNT
    if trusted and len(hops) >= trusted:
        direct = hops[-trusted]
    try:
        return str(ip_address(direct))
    except ValueError:
        return ""


def read_hops(forwarded: str) -> list[str]:
    """Return the addresses of X-Forwarded-For, the nearest proxy's last."""
    return [hop.strip() for hop in forwarded.split(",") if hop.strip()]


def start_warning() -> str:
    """Return what the settings alone show to be wrong with TRUSTED_PROXY_COUNT, or nothing."""
    if settings.IS_HTTPS and not settings.TRUSTED_PROXY_COUNT:
        return BEHIND_PROXY
    return ""
