"""The optional packages of the extras `auth` and `oauth`."""

from types import ModuleType

from ropewalk.errors import optional_package


def optional(module: str, package: str, feature: str, *, extra: str = "auth") -> ModuleType:
    """Import a module from a package that an extra of Ropewalk installs. Raises MissingPackage (RW244)."""
    return optional_package(module, package, feature, extra=extra, code="RW244")
