"""The adapters that come with Ropewalk. The package registers them when it is imported."""

from collections.abc import Callable
from typing import Any

from ropewalk.resource import is_twisted, register_adapter


def register() -> None:
    """Register every adapter. None is loaded yet."""
    register_adapter(is_twisted, _load_twisted)


def _load_twisted() -> Callable[[Any], Any]:
    """Resources of twisted.web."""
    from ropewalk.dropin.mount.mounting import Mounted

    return Mounted
