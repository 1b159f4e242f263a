"""Encode values as JSON, for the bodies of responses."""

from collections.abc import Awaitable
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred

from ropewalk.json_values import EncodedJSON, Unencodable, model_json
from ropewalk.response.unawaited import not_awaited


def _encode_other(value: Any) -> msgspec.Raw:
    """Encode a value of a type that msgspec does not support. msgspec calls this function."""
    if isinstance(value, EncodedJSON):
        return msgspec.Raw(value.data)
    if isinstance(value, Deferred | Awaitable):
        raise not_awaited(value, "JSON")
    model = model_json(value)
    if model is not None:
        return msgspec.Raw(model)
    raise Unencodable(value)


encode_json: Final = msgspec.json.Encoder(enc_hook=_encode_other).encode


def to_json(value: Any) -> bytes:
    """Encode a value as JSON. The error for a part of the value that cannot be encoded has the path to this part."""
    try:
        return encode_json(value)
    except Unencodable as error:
        error.locate_in(value)
        raise
