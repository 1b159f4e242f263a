"""Who sent a request: the user or the address of the client, for limits and keys of each."""

from hashlib import sha256
from ipaddress import IPv6Address, ip_network

from ropewalk.errors import HandlerError, shown
from ropewalk.request import Request


def user_of(request: Request) -> str | None:
    """The identity of the user; None if there is none.

    The user is `request.state.user`, which a middleware of the program has set, or else the principal that
    `ropewalk.auth.authenticate` has found. The identity is the user itself if that is a str or an int, and else its
    attribute `id`, or `subject` for a principal. Raises HandlerError (RW236) if `request.state.user` has none.
    """
    user = getattr(request.state, "user", None)
    if user is None:
        principal = getattr(getattr(request.state, "authentication", None), "principal", None)
        return _identity(principal, "id") or _identity(principal, "subject")
    identity = _identity(user, "id")
    if identity is None:
        raise HandlerError("RW236", f"request.state.user is {shown(user)}, which has no id.")
    return identity


def _identity(user: object, attribute: str) -> str | None:
    identity = user if isinstance(user, str | int) else getattr(user, attribute, None)
    return None if isinstance(identity, bool) or not isinstance(identity, str | int) else str(identity)


def client_network(request: Request, ipv6_prefix: int) -> str:
    """The address of the client, or its network of IPv6: one client has as many addresses of a /64 as it wants.

    All clients of a UNIX socket, and all that a trusted proxy does not name, count as one.
    """
    client = request.client
    if not isinstance(client, tuple):
        return "unknown"
    host = client[0]
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, ipv6_prefix), strict=False))


def digest(*parts: bytes | str) -> str:
    """A hash of several values: 64 hexadecimal digits. No two lists of values have the same, however they are cut."""
    found = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()
