"""What a start says of settings that take a defence away."""

from typing import Final

from ropewalk._engine import Limits
from ropewalk.proxies import TrustedProxies

OFF_AT_0: Final = (
    *("head_timeout", "idle_timeout", "body_timeout", "body_rate", "write_timeout"),
    *("linger_timeout", "linger_time"),
)
"""The limits that 0 switches off. To any other 0 is an amount, but to `connections`, which then has its default."""


def security_warnings(limits: Limits, proxies: TrustedProxies | None, debug: bool) -> list[str]:
    """A sentence for each limit that is off, one where every address is trusted as a proxy, and one for `debug`."""
    lines = [f"{name} is off, since it is 0: it cuts off nobody." for name in OFF_AT_0 if getattr(limits, name) == 0]
    everybody = [] if proxies is None else [address for address in proxies.addresses if address.endswith("/0")]
    if everybody:
        lines.append(f"Everybody is trusted as a proxy ({', '.join(everybody)}): clients may claim to be anybody.")
    if debug:
        lines.append("The app has debug=True: clients see the traceback of every error, with paths and code.")
    return lines
