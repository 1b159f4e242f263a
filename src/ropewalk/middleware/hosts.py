"""Parse the value of a Host field, and test whether a peer is in a network."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from ropewalk.middleware.options import malformed
from ropewalk.proxies import UNIX
from ropewalk.request import Address

LONGEST_HOST: Final = 253
"""The maximum length in characters of a host name (RFC 1035, section 2.3.4)."""

_HOST: Final = re.compile(
    r"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?(?::([0-9]{0,5}))?|\[([0-9a-f:.]{2,45})\](?::([0-9]{0,5}))?"
)


def split_host(host: str) -> tuple[str, str] | None:
    """Split a Host value into the lower-case name without a trailing dot, and the port ("" if absent).

    None if malformed.

    An IPv6 address keeps its brackets and is written in its shortest form (RFC 9110, section 4.2.3; RFC 5952).
    """
    if len(host) > LONGEST_HOST + 7:
        return None
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return None
    name, port, literal, literal_port = found.groups()
    if literal is not None:
        try:
            name = f"[{IPv6Address(literal)}]"
        except ValueError:
            return None
    port = port or literal_port or ""
    if len(name) > LONGEST_HOST or (port and int(port) > 65535):
        return None
    return name, port.lstrip("0") if port else ""


def in_networks(owner: Any, networks: Iterable[str]) -> Callable[[Address], bool]:
    """Return a function that tests whether a peer is in `networks`: addresses, networks, "unix", or "*" for all peers.

    Raises HandlerError (RW233) for a malformed network.
    """
    given = tuple(networks)
    parsed = tuple(_network(owner, each) for each in given if each not in (UNIX, "*"))

    @lru_cache(maxsize=1024)
    def contains(host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in parsed)

    def is_one(peer: Address) -> bool:
        if "*" in given:
            return True
        return contains(peer[0]) if isinstance(peer, tuple) else UNIX in given

    return is_one


def _network(owner: Any, written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written)
    except ValueError:
        remedy = 'Write "192.0.2.1", "10.0.0.0/8", "unix" for UNIX sockets, or "*" for all peers.'
        raise malformed(owner, written, remedy) from None
