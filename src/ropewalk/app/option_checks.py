"""Checks of the arguments of `App`."""

from typing import Final

from ropewalk.errors import OptionError, shown
from ropewalk.proxies import TrustedProxies

OPTIONS: Final = (
    *("middleware", "limits", "proxies", "debug", "trailing_slash", "openapi", "error_format", "tags", "produces"),
    "templates",
)
"""The names of the options of `App`."""


def check_option_types(proxies: object, debug: object) -> None:
    """Raises HandlerError (RW271) if `proxies` or `debug` has a wrong type."""
    if not isinstance(proxies, TrustedProxies | None):
        remedy = 'Write proxies=TrustedProxies("10.0.0.0/8", headers="x-forwarded").'
        raise OptionError("RW271", f"App has the invalid value proxies={shown(proxies)}.", remedy)
    if not isinstance(debug, bool):
        raise OptionError("RW271", f"App has the invalid value debug={shown(debug)}.", "Write True or False.")
