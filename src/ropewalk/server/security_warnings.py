"""Warnings, at the start of a server, about settings that switch off a protection."""

from typing import TYPE_CHECKING, Final

from ropewalk._engine import Limits
from ropewalk.proxies import TrustedProxies

if TYPE_CHECKING:
    from ropewalk.server.tls import ServerTLS

OFF_AT_0: Final = (
    *("head_timeout", "idle_timeout", "body_timeout", "body_rate", "write_timeout"),
    *("linger_timeout", "linger_total_time"),
)
"""The limits that are switched off by the value 0. For other limits 0 is an ordinary value, except that `connections=0`
means the default."""


def security_warnings(
    limits: Limits, proxies: TrustedProxies | None, debug: bool, tls: "ServerTLS | None" = None
) -> list[str]:
    """List a warning for each limit that is off, for trusting every address as a proxy, for `debug`, and for the
    certificate."""
    lines = [
        f"{name} is off, because it is 0: it cuts off no client." for name in OFF_AT_0 if getattr(limits, name) == 0
    ]
    everyone = [] if proxies is None else [address for address in proxies.addresses if address.endswith("/0")]
    if everyone:
        lines.append(f"Every address is trusted as a proxy ({', '.join(everyone)}): clients can forge their address.")
    if debug:
        lines.append("The app has debug=True: clients see the traceback of every error, with paths and code.")
    if tls is not None:
        lines += tls.warnings()
    return lines
