"""Every provider there is a guide for, in the order of the tiles."""

from urllib.parse import urlsplit

from sso.providers.custom import CUSTOM
from sso.providers.entra import ENTRA
from sso.providers.google import GOOGLE
from sso.providers.jumpcloud import JUMPCLOUD
from sso.providers.okta import OKTA
from sso.providers.onelogin import ONELOGIN
from sso.providers.pingone import PINGONE
from sso.providers.types import Provider

PROVIDERS: tuple[Provider, ...] = (JUMPCLOUD, OKTA, ENTRA, GOOGLE, ONELOGIN, PINGONE, CUSTOM)
_BY_CODE = {one.code: one for one in PROVIDERS}


def provider(code: str) -> Provider:
    """Return the provider with this code; a code that isn't known stands for any SAML identity provider."""
    return _BY_CODE.get(code, CUSTOM)


def recognize(address: str) -> Provider | None:
    """Return whose metadata URL or entity ID this is, by its host alone: good for a hint, proof of nothing."""
    host = _host(address)
    known = ((one, mark) for one in PROVIDERS for mark in one.marks)
    return next((one for one, mark in known if host == mark or host.endswith(f".{mark}")), None)


def _host(address: str) -> str:
    """Return the host name in lower case, empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket without its pair
        return ""
