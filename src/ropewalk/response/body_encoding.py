"""Convert a body of any type to a form that the engine can send, and choose its default Content-Type."""

from collections.abc import Awaitable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred

from ropewalk.errors import HandlerError
from ropewalk.json_values import EncodedJSON, model_json
from ropewalk.open_files import OpenFile
from ropewalk.response.json_encoding import to_json
from ropewalk.response.media_types import BYTES, JSON, TEXT, file_type
from ropewalk.response.unawaited import forget

_ENCODED: Final = (dict, list, msgspec.Struct)


def encode_body(body: Any) -> tuple[Any, str | None]:
    """Convert a body to a form that can be sent. Return the converted body and its default Content-Type."""
    if isinstance(body, str):
        return body, TEXT
    if isinstance(body, bytes):
        return body, BYTES
    if body is None:
        return b"", None
    if isinstance(body, OpenFile):
        return body, BYTES
    if isinstance(body, _ENCODED) or (is_dataclass(body) and not isinstance(body, type)):
        return to_json(body), JSON
    if isinstance(body, Path):
        return body, file_type(body.name)
    if isinstance(body, EncodedJSON):
        return body.data, JSON
    # In Twisted 24.7, a Deferred has a `__next__`.
    if hasattr(body, "__aiter__") or (hasattr(body, "__next__") and not isinstance(body, Deferred)):
        return body, None  # the first part of a stream determines its Content-Type
    if isinstance(body, bytearray | memoryview):
        return bytes(body), BYTES
    model = model_json(body)
    if model is not None:
        return model, JSON
    remedy = "Await it first." if isinstance(body, Deferred | Awaitable) else None
    forget(body)
    raise HandlerError("RW201", f"A value of type {type(body).__qualname__} is not a body.", remedy)
