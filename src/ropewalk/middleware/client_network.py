"""Which addresses count as one client, for rate limits and idempotency keys: an IPv6 network counts as one."""

from ipaddress import IPv6Address, ip_network

from ropewalk.request import Request


def client_network(request: Request, ipv6_prefix: int) -> str:
    """The client's IPv4 address, or its IPv6 network, because one client may use all addresses of a /64 network.

    All clients of UNIX sockets, and all clients whose address a trusted proxy does not report, count as one client:
    "unknown".
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
