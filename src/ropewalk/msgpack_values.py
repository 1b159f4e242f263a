"""MessagePack: decode a request body to a type, and encode values."""

from collections.abc import Awaitable
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred

from ropewalk.errors import BadBody
from ropewalk.json_values import DEEPEST, EncodedJSON, Unencodable, model_json
from ropewalk.response.unawaited import not_awaited

MSGPACK: Final = "application/vnd.msgpack"
"""The media type of MessagePack, registered at IANA in 2024."""
MEDIA_TYPES: Final = frozenset((MSGPACK, "application/msgpack", "application/x-msgpack"))
"""The media type, and the names that were used before it was registered."""


def refuse_extension(code: int, data: memoryview) -> Any:
    """Raise BadBody for a MessagePack extension type, which JSON does not have. Decoders of request bodies call
    this."""
    del data
    raise BadBody(f"The body has a value of the extension type {code}, which is not supported.")


_ANY: Final = msgspec.msgpack.Decoder(ext_hook=refuse_extension)
_json: Final = msgspec.json.Encoder().encode
_CONTAINERS: Final = bytes((*range(0x80, 0xA0), *range(0xDC, 0xE0)))
"""The bytes with which arrays and maps begin. The same bytes may also occur within other values, such as str."""


def is_msgpack(media_type: str) -> bool:
    """Whether a media type, in lower case and without parameters, is MessagePack."""
    return media_type in MEDIA_TYPES or media_type.endswith("+msgpack")


def read_msgpack(body: bytes, decoder: "msgspec.msgpack.Decoder[Any]") -> Any:
    """Decode a MessagePack body. Raises ValidationError for a value that does not match the decoder's type.

    Raises BadBody (400) for a body that is not MessagePack or is nested more than `DEEPEST` levels deep.
    """
    try:
        if _may_be_deep(body) and _is_deeper(msgspec.msgpack.decode(body), DEEPEST):
            raise _too_deep()
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, BadBody):
            raise
        raise BadBody(f"The body is not MessagePack: {error}.") from error


def read_any_msgpack(body: bytes) -> Any:
    """Decode a MessagePack body to built-in types. Raises BadBody for an invalid body, or a timestamp that is out of
    range."""
    try:
        return read_msgpack(body, _ANY)
    except msgspec.ValidationError as error:
        raise BadBody(f"The body is not MessagePack: {error}.") from error


def check_keys(value: Any) -> None:
    """Raise BadBody for a decoded value with a key that JSON cannot have: nil, a bool or an array.

    Without this check, a handler that returns a part of the body as JSON would fail, and the client would get 500.
    """
    try:
        _json(value)
    except TypeError as error:
        raise BadBody("The body has a map with a key that JSON cannot have: nil, a bool or an array.") from error


def to_msgpack(value: Any) -> bytes:
    """Encode a value as MessagePack. Raises HandlerError (RW212) for a part that cannot be encoded."""
    try:
        return _encode(value)
    except Unencodable as error:
        error.locate_in(value)
        raise


def _encode_other(value: Any) -> Any:
    """Convert a value of a type that msgspec does not support. msgspec calls this."""
    if isinstance(value, EncodedJSON):
        return msgspec.json.decode(value.data)
    if isinstance(value, Deferred | Awaitable):
        raise not_awaited(value, "MessagePack")
    model = model_json(value)
    if model is not None:
        return msgspec.json.decode(model)
    raise Unencodable(value, "MessagePack")


_encode: Final = msgspec.msgpack.Encoder(enc_hook=_encode_other).encode


def _too_deep() -> BadBody:
    return BadBody(f"The body has arrays and maps nested more than {DEEPEST} deep.")


def _may_be_deep(body: bytes) -> bool:
    return len(body) - len(body.translate(None, _CONTAINERS)) > DEEPEST


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether arrays and maps in a value are nested more than `levels` deep. Each item is visited only once."""
    level = [value] if isinstance(value, list | dict | tuple) else []
    for _ in range(levels):
        below: list[Any] = []
        for each in level:
            items = (*each, *each.values()) if isinstance(each, dict) else each
            below += [item for item in items if isinstance(item, list | dict | tuple)]
        if not below:
            return False
        level = below
    return True
