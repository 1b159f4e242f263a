"""The optional packages of the extra `auth`."""

from importlib import import_module
from types import ModuleType

from ropewalk.errors import HandlerError


class MissingPackage(HandlerError, ImportError):
    """RW244: a feature needs a package that is not installed."""


def optional(module: str, package: str, feature: str) -> ModuleType:
    """Import a module of an optional package. Raises MissingPackage (RW244)."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackage("RW244", f"{feature} needs {package}, which is not installed.") from error
