"""Imports of optional packages, with an error that names the extra which installs them."""

from importlib import import_module
from types import ModuleType

from ropewalk.errors.exceptions import HandlerError
from ropewalk.errors.installing import install_remedy
from ropewalk.errors.naming import visible


class MissingPackage(HandlerError, ImportError):
    """A feature needs a package that is not installed."""


def optional_package(module: str, package: str, feature: str, *, extra: str, code: str) -> ModuleType:
    """Import a module from a package that an extra of Ropewalk installs.

    Raises MissingPackage with the code `code`. If the package is installed but broken, the cause of MissingPackage is
    the ImportError.
    """
    try:
        return import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            what = f"{feature} needs {package}, which is not installed."
            raise MissingPackage(code, what, install_remedy(extra)) from None
        what = f"{feature} needs {package}, which cannot be imported: {visible(f'{error}').rstrip('.')}."
        raise MissingPackage(code, what, install_remedy(extra)) from error
