"""The optional packages of the extras `auth` and `oauth`."""

from importlib import import_module
from types import ModuleType

from ropewalk.errors import HandlerError, install_remedy


class MissingPackage(HandlerError, ImportError):
    """RW244: a feature needs a package that is not installed."""


def optional(module: str, package: str, feature: str, *, extra: str = "auth") -> ModuleType:
    """Import a module from a package that an extra of Ropewalk installs. Raises MissingPackage (RW244)."""
    try:
        return import_module(module)
    except ImportError as error:
        what = f"{feature} needs {package}, which is not installed."
        raise MissingPackage("RW244", what, install_remedy(extra)) from error
