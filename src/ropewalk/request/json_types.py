"""What reads a body as JSON of a type: `read_json`, or what the layer of typed handlers has registered."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.json_values import read_json

ReadJSON = Callable[[bytes, Any], Any]
"""Takes a body and a type. Raises as `read_json` does."""

_readers: Final[list[ReadJSON]] = [read_json]


def register_json_reader(read: ReadJSON) -> None:
    """Have bodies read by a function. `ropewalk.typed`, a layer above, calls this when it is imported."""
    _readers[:] = [read]


def read_json_body(body: bytes, kind: Any) -> Any:
    """A body as a type."""
    return _readers[0](body, kind)
