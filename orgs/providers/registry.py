"""Every provider there is a guide for, in the order of the tiles."""

from urllib.parse import urlsplit

from orgs.providers.custom.saml import CUSTOM
from orgs.providers.entra.saml import ENTRA
from orgs.providers.google.saml import GOOGLE
from orgs.providers.jumpcloud.saml import JUMPCLOUD
from orgs.providers.okta.saml import OKTA
from orgs.providers.onelogin.saml import ONELOGIN
from orgs.providers.pingone.saml import PINGONE
from orgs.providers.types import Provider

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
