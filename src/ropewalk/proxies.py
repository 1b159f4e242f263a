"""Proxies in front: whom an app believes, and what of what they say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Literal, get_args

from ropewalk.errors import StartError, shown

ProxyHeaders = Literal["x-forwarded", "forwarded"]
ProxyAddress = str | IPv4Address | IPv6Address | IPv4Network | IPv6Network

UNIX: Final = "unix"


@dataclass(frozen=True, init=False)
class TrustedProxies:
    """The proxies whose word on the client counts, and how they give it.

    From them come `request.client`, `request.scheme` and `request.host`, with them `request.url` and the client in the
    access log, and `request.server` where the PROXY protocol tells it. `request.peer` is always the other end of the
    connection. What anybody else says of a client is not believed; it stays in the headers as it came.

    Proxies are given as one address or network, a str or an object of `ipaddress`, or as several of them. Raises
    StartError (RW402) for nonsense.
    """

    addresses: tuple[str, ...]
    """Their addresses ("192.0.2.1"), networks ("10.0.0.0/8"), or "unix" for all that connect to a UNIX socket."""
    headers: ProxyHeaders | None
    """The header fields that they set: "x-forwarded" for X-Forwarded-For and -Proto, or "forwarded" (RFC 7239).

    Exactly one family is believed, because a proxy that sets one lets pass what a client has written into the other.
    """
    host: bool
    """Whether X-Forwarded-Host is believed too.

    Many proxies set the other two alone, and let pass what a client has written there. `Forwarded` needs no word: the
    proxy writes the host into the same element as the client.
    """
    proxy_protocol: bool
    """Whether every connection to a socket begins with a header of the PROXY protocol, version 1 or 2.

    One without it, or from anybody else, is closed. Transports of Twisted's that are no plain sockets (TLS) do without:
    there, Twisted's endpoint `haproxy:` reads the header.
    """

    def __init__(
        self,
        addresses: ProxyAddress | Iterable[ProxyAddress],
        *,
        headers: ProxyHeaders | None = None,
        host: bool = False,
        proxy_protocol: bool = False,
    ) -> None:
        canonical = tuple(_canonical(address) for address in _each(addresses))
        if not canonical:
            raise StartError("RW402", "There is no address of a trusted proxy.")
        _check_headers(headers)
        _check_switch("host", host)
        _check_switch("proxy_protocol", proxy_protocol)
        if headers is None and not proxy_protocol:
            message = f"The proxies at {', '.join(canonical)} are trusted, but it is not said how they tell of clients."
            raise StartError("RW402", message, 'Say headers="x-forwarded", headers="forwarded" or proxy_protocol=True.')
        if host and headers != "x-forwarded":
            message = "X-Forwarded-Host is to be believed, but its family is not."
            raise StartError("RW402", message, 'Leave host out, or say headers="x-forwarded".')
        object.__setattr__(self, "addresses", canonical)
        object.__setattr__(self, "headers", headers)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "proxy_protocol", proxy_protocol)


def _each(addresses: object) -> Iterator[object]:
    """One by one. A network is one address to us, though Python would count all that are in it."""
    if isinstance(addresses, Iterable) and not isinstance(addresses, ProxyAddress | bytes):
        yield from addresses
    else:
        yield addresses


def _canonical(address: object) -> str:
    if address == UNIX:
        return UNIX
    if not isinstance(address, ProxyAddress):
        what = f"{shown(address)} is not the address of a proxy: it is neither str nor of ipaddress."
        raise StartError("RW402", what)
    try:
        network = ip_network(str(address))
    except ValueError as error:
        raise StartError("RW402", f"{str(address)!r} is not the address of a proxy: {error}.") from None
    if getattr(network.network_address, "scope_id", None):
        raise StartError("RW402", f"{str(address)!r} is not the address of a proxy: it has a zone.")
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address if single else network)


def _check_headers(headers: object) -> None:
    if headers is not None and headers not in get_args(ProxyHeaders):
        message = f"{shown(headers)} are no headers of a trusted proxy."
        raise StartError("RW402", message, 'Say headers="x-forwarded" or headers="forwarded".')


def _check_switch(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise StartError("RW402", f"{name} of a trusted proxy is not {shown(value)}.", "It is True or False.")
