"""The function that decodes a JSON body to a type: `read_json`, or the function that `ropewalk.typed` has
registered."""

from collections.abc import Callable
from typing import Any, Final

from ropewalk.json_values import read_json

ReadJSON = Callable[[bytes, Any], Any]
"""A function that takes a body and a type, and returns the decoded value. It raises the errors of `read_json`."""

_readers: Final[list[ReadJSON]] = [read_json]


def register_json_reader(read: ReadJSON) -> None:
    """Set the function that decodes JSON bodies. `ropewalk.typed`, a higher layer, calls this when it is imported."""
    _readers[:] = [read]


def read_json_body(body: bytes, kind: Any) -> Any:
    """Decode a JSON body to a type."""
    return _readers[0](body, kind)
