"""Proxies in front: whom an app believes, and what of what they say."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final, Literal, get_args

from ropewalk.errors import StartError

Fields = Literal["x-forwarded", "forwarded"]

UNIX: Final = "unix"


@dataclass(frozen=True)
class TrustedProxies:
    """The proxies whose word on the client counts, and how they give it. Raises StartError (RW402) for nonsense.

    From them come `request.client`, `request.scheme` and `request.host`, with them `request.url` and the client in the
    access log, and `request.server` where the PROXY protocol tells it. `request.peer` is always the other end of the
    connection. What anybody else says of a client is not believed; it stays in the headers as it came.
    """

    addresses: Iterable[str]
    """Their addresses ("192.0.2.1"), networks ("10.0.0.0/8"), or "unix" for all that connect to a UNIX socket."""
    headers: Fields | None = None
    """The header fields that they set: "x-forwarded" for X-Forwarded-For, -Proto and -Host, or "forwarded" (RFC 7239).

    Exactly one family is believed, because a proxy that sets one lets pass what a client has written into the other.
    """
    proxy_protocol: bool = False
    """Whether every connection to a socket begins with a header of the PROXY protocol, version 1 or 2.

    One without it, or from anybody else, is closed. Transports of Twisted's that are no plain sockets (TLS) do without:
    there, Twisted's endpoint `haproxy:` reads the header.
    """

    def __post_init__(self) -> None:
        given = (self.addresses,) if isinstance(self.addresses, str) else tuple(self.addresses)
        if not given:
            raise StartError("RW402", "There is no address of a trusted proxy.")
        if self.headers not in (None, *get_args(Fields)):
            known = " or ".join(f'"{name}"' for name in get_args(Fields))
            raise StartError("RW402", f"The headers of a trusted proxy are {known}, not {self.headers!r}.")
        if self.headers is None and not self.proxy_protocol:
            message = f"The proxies at {', '.join(given)} are trusted, but it is not said how they tell of clients."
            raise StartError("RW402", message, 'Say headers="x-forwarded", headers="forwarded" or proxy_protocol=True.')
        object.__setattr__(self, "addresses", tuple(map(_canonical, given)))


def _canonical(text: str) -> str:
    if text == UNIX:
        return text
    try:
        network = ip_network(str(text))
    except ValueError as error:
        raise StartError("RW402", f"{text!r} is not the address of a proxy: {error}.") from None
    if getattr(network.network_address, "scope_id", None):
        raise StartError("RW402", f"{text!r} is not the address of a proxy: it has a zone.")
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address if single else network)
