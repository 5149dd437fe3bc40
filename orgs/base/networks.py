"""Lists of networks that a person writes, such as those from which a token may be used."""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

# what is before the IPv4 address in its IPv6 form
MAPPED_BITS = 96


def read_network(text: str) -> str:
    """Return one address or network in CIDR form: 192.0.2.7 is 192.0.2.7/32. Raises ValueError.

    One of IPv4 in IPv6 form is that of IPv4, as an address is to `is_in_one_of`.
    """
    network = ip_network(text.strip(), strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return f"{mapped}/{network.prefixlen - MAPPED_BITS}"
    return str(network)


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
