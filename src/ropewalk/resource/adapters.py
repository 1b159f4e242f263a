"""Adapters: how objects of other libraries become resources.

A package that provides an adapter is registered here with a function that loads it. It is loaded for the first object
that needs it, so a program that never uses the library never imports it.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple


class Adapter(NamedTuple):
    """One library's objects as resources."""

    adapts: Callable[[Any], bool]
    """Whether the adapter takes an object."""
    load: Callable[[], Callable[[Any], Any]]
    """Returns the function that makes a Resource of an object."""


_adapters: list[Adapter] = []


def register_adapter(adapts: Callable[[Any], bool], load: Callable[[], Callable[[Any], Any]]) -> None:
    """Use an adapter wherever a resource is expected. The first one that takes an object is used."""
    _adapters.append(Adapter(adapts, load))


def adapt(thing: Any) -> Any:
    """The Resource that stands for an object of another library. None if no adapter takes it."""
    for adapter in _adapters:
        if adapter.adapts(thing):
            return adapter.load()(thing)
    return None


def is_twisted(thing: Any) -> bool:
    """Whether this is a resource of twisted.web. Until that is imported, no object is one."""
    interface = _twisted_interface()
    return interface is not None and bool(interface.providedBy(thing))


def makes_twisted(kind: type) -> bool:
    """Whether the objects of a class are resources of twisted.web."""
    interface = _twisted_interface()
    return interface is not None and bool(interface.implementedBy(kind))


def _twisted_interface() -> Any:
    module = sys.modules.get("twisted.web.resource")
    return None if module is None else module.IResource
