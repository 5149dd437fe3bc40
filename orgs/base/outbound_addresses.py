"""Which network addresses may be called: public unicast alone, by a list of our own.

Python's `is_global` is not enough: it is true for NAT64, 6to4, IPv4 inside IPv6 and multicast. What carries an IPv4
address inside an IPv6 one is refused whole, since a gateway on the way decides where it leads.
"""

from ipaddress import IPv4Address, IPv6Address, ip_network

Address = IPv4Address | IPv6Address

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# the part of IPv6 that is given out at all (RFC 4291 §2.4); mapped, compatible and NAT64 addresses are outside
PUBLIC_V6 = ip_network("2000::/3")
REFUSED = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network (RFC 791)
            "10.0.0.0/8",  # private (RFC 1918)
            "100.64.0.0/10",  # behind a provider's NAT (RFC 6598); some clouds keep their metadata there
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # a public number that leads to the host of an Azure machine
            "169.254.0.0/16",  # link-local, where clouds keep their metadata
            "172.16.0.0/12",  # private (RFC 1918)
            "192.0.0.0/24",  # protocol assignments (RFC 6890)
            "192.0.2.0/24",  # documentation (RFC 5737)
            "192.88.99.0/24",  # 6to4 relays (RFC 7526)
            "192.168.0.0/16",  # private (RFC 1918)
            "198.18.0.0/15",  # benchmarks (RFC 2544)
            "198.51.100.0/24",  # documentation (RFC 5737)
            "203.0.113.0/24",  # documentation (RFC 5737)
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
            "2001::/23",  # protocol assignments, Teredo among them (RFC 4380)
            "2001:db8::/32",  # documentation (RFC 3849)
            "2002::/16",  # 6to4 (RFC 3056)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)


def is_public(address: Address) -> bool:
    """Say whether the address is one machine on the internet, and nothing else."""
    if address.version == 6 and address not in PUBLIC_V6:
        return False
    return address.is_global and not any(address in network for network in REFUSED)


def is_loopback(address: Address) -> bool:
    """Say whether the address is this machine's own, in its plain form."""
    return any(address in network for network in LOOPBACK)
