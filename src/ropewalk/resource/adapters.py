"""Adapters: they make resources from objects of other libraries.

A package registers an adapter together with a function that loads it. The adapter is loaded for the first object that
needs it, so the other library is not imported unless it is used.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple


class Adapter(NamedTuple):
    """Makes resources from the objects of one library."""

    adapts: Callable[[Any], bool]
    """A function that returns whether the adapter accepts an object."""
    load: Callable[[], Callable[[Any], Any]]
    """A function that imports and returns the function that makes a Resource from an object."""


_adapters: list[Adapter] = []


def register_adapter(adapts: Callable[[Any], bool], load: Callable[[], Callable[[Any], Any]]) -> None:
    """Register an adapter for objects that users pass as resources. The first one that accepts an object is used."""
    _adapters.append(Adapter(adapts, load))


def adapt(thing: Any) -> Any:
    """The Resource that an adapter makes from an object of another library. None if no adapter accepts the object."""
    for adapter in _adapters:
        if adapter.adapts(thing):
            return adapter.load()(thing)
    return None


def is_twisted(thing: Any) -> bool:
    """Whether an object is a twisted.web resource. False for every object before `twisted.web.resource` is imported."""
    interface = _twisted_interface()
    return interface is not None and bool(interface.providedBy(thing))


def makes_twisted(kind: type) -> bool:
    """Whether the instances of a class are twisted.web resources."""
    interface = _twisted_interface()
    return interface is not None and bool(interface.implementedBy(kind))


def _twisted_interface() -> Any:
    module = sys.modules.get("twisted.web.resource")
    return None if module is None else module.IResource
