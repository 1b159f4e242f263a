"""The functions of `ropewalk.server` that serve an app.

That package registers them, because `ropewalk.app` must not import the layers above it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ropewalk.server import AppListeningPort


class ServerFunctions(NamedTuple):
    """The functions that `App.listen` and `App.run` call."""

    listen: "Callable[..., AppListeningPort]"
    run: Callable[..., None]


server_functions: Final[list[ServerFunctions]] = []
"""The registered functions; empty before `ropewalk.server` is imported."""


def register_server(functions: ServerFunctions) -> None:
    """Register the functions that serve apps. `ropewalk.server` calls this when it is imported."""
    server_functions[:] = [functions]
