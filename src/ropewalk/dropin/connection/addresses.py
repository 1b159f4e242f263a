"""Addresses as the engine and as Twisted write them."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from ropewalk.request import Address


def to_twisted(address: Address) -> IPv4Address | IPv6Address | UNIXAddress:
    """`(host, port)`, or the path of a UNIX socket, which most clients have none of."""
    if isinstance(address, tuple):
        host, port = address
        return IPv6Address("TCP", host, port) if ":" in host else IPv4Address("TCP", host, port)
    return UNIXAddress(address)


def from_twisted(address: Any) -> Address:
    """The opposite; None for anything else, as test transports have it."""
    if isinstance(address, IPv4Address | IPv6Address):
        return address.host, address.port
    if isinstance(address, UNIXAddress) and address.name:
        return address.name.decode(errors="surrogateescape")
    return None
