"""Warnings, at the start and in `ropewalk check`, about packages that are not installed and that requests need."""

from collections.abc import Callable, Iterator
from inspect import unwrap
from typing import Any, Final

from ropewalk import App, Request
from ropewalk.cli.package_uses import is_installed, missing_uses_by_requests
from ropewalk.errors import install_remedy, named
from ropewalk.routing import walk_handlers

_OF_FORMS: Final = ("Form(", "FormData", "UploadFile", "Submitted[")
"""Texts that occur in the annotations of parameters that come from a form."""
_OF_PASSWORDS: Final = ("hash_password", "needs_rehash", "verify_password")


def missing_packages(app: App) -> list[str]:
    """A sentence for each package that is not installed, and that requests need. It names the first use of the package.

    The last sentence has the command that installs all of them.
    """
    found: dict[str, tuple[str, str]] = {}
    for package, extra, needs in (("multipart", "forms", _takes_form), ("argon2", "auth", _takes_password)):
        handler = None if is_installed(package) else next((each for each in _handlers(app) if needs(each)), None)
        if handler is not None:
            found[package] = extra, named(handler)
    for use in missing_uses_by_requests():
        found.setdefault(use.feature.package, (use.feature.extra, f"{use.name} at {use.place}"))
    lines = [
        f"{what} needs the package {package}, which is not installed: some requests will get 500."
        for package, (_, what) in found.items()
    ]
    if lines:
        lines[-1] += f" {install_remedy(','.join(sorted({extra for extra, _ in found.values()})))}"
    return lines


def _handlers(app: App) -> Iterator[Callable[..., Any]]:
    for each in walk_handlers(app.resource):
        function = unwrap(each.call)
        yield getattr(function, "__func__", function)


def _takes_form(function: Any) -> bool:
    """Whether a handler has a parameter from a form, or calls a method of the request that reads a form."""
    annotations = getattr(function, "__annotations__", {})
    texts = [each if isinstance(each, str) else f"{each!r}" for name, each in annotations.items() if name != "return"]
    if any(part in text for text in texts for part in _OF_FORMS):
        return True
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    takes_request = any(each is Request for each in annotations.values()) or "request" in _parameters(function)
    return takes_request and ("form" in names or "multipart" in names)


def _takes_password(function: Any) -> bool:
    """Whether a handler calls a function for passwords by a global name of its module."""
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    known = getattr(function, "__globals__", {})
    origins = (getattr(known.get(name), "__module__", "") for name in _OF_PASSWORDS if name in names)
    return "ropewalk.auth.passwords" in origins


def _parameters(function: Any) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
