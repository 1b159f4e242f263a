"""Checks of the arguments of `App`."""

from typing import Final

from ropewalk.errors import HandlerError, OptionError, shown
from ropewalk.proxies import TrustedProxies

OPTIONS: Final = (
    *("middleware", "limits", "proxies", "debug", "trailing_slash", "openapi", "error_format", "tags", "produces"),
    *("templates", "compression"),
)
"""The names of the options of `App`."""


def check_option_types(proxies: object, debug: object) -> None:
    """Raises HandlerError (RW271) if `proxies` or `debug` has a wrong type."""
    if not isinstance(proxies, TrustedProxies | None):
        remedy = 'Write proxies=TrustedProxies("10.0.0.0/8", headers="x-forwarded").'
        raise OptionError("RW271", f"App has the invalid value proxies={shown(proxies)}.", remedy)
    if not isinstance(debug, bool):
        raise OptionError("RW271", f"App has the invalid value debug={shown(debug)}.", "Write True or False.")


def check_methods_kept(kind: type) -> None:
    """Raises HandlerError (RW205, RW218) if a class attribute of a subclass of App replaces `middleware` or
    `provide`."""
    for name, code in (("middleware", "RW205"), ("provide", "RW218")):
        if not hasattr(getattr(kind, name), "__get__"):
            what = f"{kind.__qualname__}.{name} replaces the method App.{name}."
            remedy = "Pass middleware=[...] to App." if name == "middleware" else "Call app.provide(name, provider)."
            raise HandlerError(code, what, remedy)
