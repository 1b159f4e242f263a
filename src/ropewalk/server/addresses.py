"""Convert between the engine's addresses and Twisted's addresses."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from ropewalk.request import Address


def to_twisted_address(address: Address) -> IPv4Address | IPv6Address | UNIXAddress:
    """Convert an address from the engine to an address of Twisted. The engine's address is `(host, port)`, the path of
    a UNIX socket, or None for a UNIX socket without a path."""
    if isinstance(address, tuple):
        host, port = address
        return IPv6Address("TCP", host, port) if ":" in host else IPv4Address("TCP", host, port)
    return UNIXAddress(address)


def from_twisted_address(address: Any) -> Address:
    """Convert an address of Twisted to the engine's form. Return None for any other object, such as the address that a
    fake transport of a test has."""
    if isinstance(address, IPv4Address | IPv6Address):
        return address.host, address.port
    if isinstance(address, UNIXAddress) and address.name:
        return address.name.decode(errors="surrogateescape")
    return None
