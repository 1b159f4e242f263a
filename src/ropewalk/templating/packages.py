"""Jinja, an optional package. It is imported when the first `Templates` is made."""

from types import ModuleType

from ropewalk.errors import HandlerError, install_remedy


class MissingPackage(HandlerError, ImportError):
    """RW290: Jinja is not installed."""


def require_jinja() -> ModuleType:
    """Import Jinja. Raises MissingPackage (RW290)."""
    try:
        import jinja2
    except ImportError as error:
        what = "ropewalk.templating needs jinja2, which is not installed."
        raise MissingPackage("RW290", what, install_remedy("templates")) from error
    return jinja2
