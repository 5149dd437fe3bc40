"""Lists of networks that a person writes, such as those from which a token may be used."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network


def read_network(text: str) -> str:
    """Return one address or network in CIDR form: 192.0.2.7 is 192.0.2.7/32. Raises ValueError."""
    return str(ip_network(text.strip(), strict=False))


def is_in_one_of(networks: Iterable[str], text: str) -> bool:
    """Say whether a network of these holds the address; what isn't an address is in none.

    An IPv4 address in IPv6 form (RFC 4291 §2.5.5.2) is that IPv4 address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ip_network(network) for network in networks)
