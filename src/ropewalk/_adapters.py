"""The adapters that turn other objects, such as twisted.web resources, into resources of Ropewalk."""

from collections.abc import Callable
from typing import Any

from ropewalk.resource import is_twisted, register_adapter


def register() -> None:
    """Register every adapter. An adapter is imported only when it is first needed."""
    register_adapter(is_twisted, _load_twisted)


def _load_twisted() -> Callable[[Any], Any]:
    """Load the adapter for twisted.web resources."""
    from ropewalk.dropin.mount.mounting import Mounted

    return Mounted
