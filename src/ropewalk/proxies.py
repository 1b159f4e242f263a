"""Trusted proxies: the proxies that may report the client's address, and the headers in which they do so."""

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
    """The proxies that an app trusts to report the client, and the headers in which they do so.

    Their reports determine `request.client`, `request.scheme` and `request.host`, and therefore `request.url` and the
    client in the access log. A PROXY protocol header also determines `request.server`. `request.peer` is always the
    other end of the connection. Reports from other peers are ignored, but their headers remain unchanged.

    `addresses` is one address or network, as a str or an object of `ipaddress`, or an iterable of them. Raises
    StartError (RW402) for invalid or incomplete settings.
    """

    addresses: tuple[str, ...]
    """Addresses ("192.0.2.1") and networks ("10.0.0.0/8") of the proxies, or "unix" for all peers of UNIX sockets."""
    headers: ProxyHeaders | None
    """The header fields that the proxies set: "x-forwarded" for X-Forwarded-For and X-Forwarded-Proto, or "forwarded"
    for Forwarded (RFC 7239).

    Only one of these kinds of fields is trusted: a proxy that sets one kind forwards the other as the client sent it.
    """
    host: bool
    """Whether X-Forwarded-Host is trusted, too.

    Many proxies set only the other two fields, and forward X-Forwarded-Host as the client has sent it. `Forwarded` does
    not need this setting, because the proxy writes the host into the same element as the client's address.
    """
    proxy_protocol: bool
    """Whether every connection to a socket begins with a PROXY protocol header, version 1 or 2.

    A connection without the header, or from an untrusted peer, is closed. Twisted's transports that are not plain
    sockets, such as TLS, are not affected: for these, use Twisted's endpoint prefix `haproxy:`.
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
            raise StartError("RW402", "The list of trusted proxies is empty.")
        _check_headers(headers)
        _check_switch("host", host)
        _check_switch("proxy_protocol", proxy_protocol)
        if headers is None and not proxy_protocol:
            message = f"The proxies at {', '.join(canonical)} are trusted, but it is not set how they report clients."
            raise StartError("RW402", message, 'Set headers="x-forwarded", headers="forwarded" or proxy_protocol=True.')
        if host and headers != "x-forwarded":
            message = "X-Forwarded-Host is trusted, but the other X-Forwarded headers are not."
            raise StartError("RW402", message, 'Leave host out, or set headers="x-forwarded".')
        object.__setattr__(self, "addresses", canonical)
        object.__setattr__(self, "headers", headers)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "proxy_protocol", proxy_protocol)


def _each(addresses: object) -> Iterator[object]:
    """Yield the given addresses. A network object counts as one address, although it is an iterable of its hosts."""
    if isinstance(addresses, Iterable) and not isinstance(addresses, ProxyAddress | bytes):
        yield from addresses
    else:
        yield addresses


def _canonical(address: object) -> str:
    if address == UNIX:
        return UNIX
    if not isinstance(address, ProxyAddress):
        what = f"{shown(address)} is not the address of a proxy: it is neither a str nor an object of ipaddress."
        raise StartError("RW402", what)
    try:
        network = ip_network(str(address))
    except ValueError as error:
        raise StartError("RW402", f"{str(address)!r} is not the address of a proxy: {error}.") from None
    if getattr(network.network_address, "scope_id", None):
        raise StartError("RW402", f"{str(address)!r} is not the address of a proxy: it has a zone identifier.")
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address if single else network)


def _check_headers(headers: object) -> None:
    if headers is not None and headers not in get_args(ProxyHeaders):
        message = f"headers of TrustedProxies cannot be {shown(headers)}."
        raise StartError("RW402", message, 'Set headers="x-forwarded" or headers="forwarded".')


def _check_switch(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise StartError("RW402", f"{name} of TrustedProxies cannot be {shown(value)}.", "Set True or False.")
