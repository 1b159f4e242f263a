"""JSON: decode a request body to a type, and locate values that cannot be encoded."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

import msgspec
from msgspec.inspect import (
    ByteArrayType,
    CustomType,
    DataclassType,
    DictType,
    Field,
    FrozenSetType,
    ListType,
    SetType,
    StructType,
    TypedDictType,
    type_info,
)
from msgspec.inspect import Type as Described

from ropewalk.errors import BadBody, HandlerError, HTTPError, full_name, shown
from ropewalk.finite_numbers import INFINITE, infinite_finder, may_be_infinite

DEEPEST: Final = 200
"""The maximum number of levels of nested arrays and objects in a body.

msgspec, and most code that walks the value, recurses at each level. Python allows 1,000 nested calls, and
`copy.deepcopy` needs two calls for each level. Other JSON decoders allow fewer or more levels: .NET 64, Ruby 100,
serde_json 128, PHP 512, Go 10,000.
"""

_NATIVE: Final = (dict, list, str, int, float, bool, type(None))
"""The types of the values that msgspec decodes if no type is given."""
_WANTED: Final = re.compile(r"Expected `([^`]+)`, got ")
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_PEELED: Final = 5
"""How often `is_too_deep` removes the innermost arrays and objects. Usually no bracket is left afterwards, so the
slower count of levels is not needed."""
_UNSTRUCTURED: Final = bytes(set(range(256)) - {*_STEPS, ord('"')})


class EncodedJSON:
    """A value that is already encoded as JSON, such as a pydantic model. It may be a part of another value."""

    __slots__ = ("data", "kind", "value")

    def __init__(self, data: bytes, value: Any, kind: Any = Any) -> None:
        self.data = data
        self.value = value
        self.kind = kind
        """The type to which the value was converted before encoding. The original value may have more fields."""


def unwrapped(value: Any) -> Any:
    """The original value of an EncodedJSON. Any other value is returned unchanged."""
    return value.value if type(value) is EncodedJSON else value


def model_json(value: Any) -> bytes | None:
    """The JSON of a pydantic model, whose fields are named by their aliases; None for any other value. Raises
    Unencodable (RW212) for a model that pydantic cannot encode.
    """
    serializer = getattr(type(value), "__pydantic_serializer__", None)
    if serializer is None:
        return None
    try:
        made: bytes = serializer.to_json(value, by_alias=True)
    except ValueError as error:
        raise unencodable_model(value, error) from error
    return made


def unencodable_model(value: object, error: ValueError) -> "Unencodable":
    """The error RW212 for a value with models that pydantic cannot encode as JSON."""
    made = Unencodable(value)
    if "utf-8" in f"{error}":
        made.message = f"{made.message.removesuffix('.')}: it has bytes that are not UTF-8."
        made.remedy = 'Set `model_config = ConfigDict(ser_json_bytes="base64")` in the model.'
    return made


class MismatchedJSON(HTTPError):
    """Status 422: a body is valid JSON, but does not match the type."""

    def __init__(self, detail: str) -> None:
        super().__init__(422, detail)


def read_json(body: bytes, kind: Any) -> Any:
    """Decode a body to a type.

    Raises BadBody (400) for a body that is not JSON or is nested too deeply, MismatchedJSON (422) for a value that does
    not match the type or has a number that is not finite, and HandlerError (RW211) if no JSON can be converted to the
    type, or to the part of the type for which the body has a value.
    """
    decoder = decoder_for(kind)
    if is_too_deep(body):
        raise BadBody(f"The body has arrays and objects nested more than {DEEPEST} deep.")
    try:
        made = decoder.decode(body)
        check_finite(body, kind)
        return made
    except msgspec.ValidationError as error:
        foreign = _expected(str(error), _foreign_types(kind))
        if foreign is not None:
            raise _unreadable(kind, "" if foreign is kind else f"It contains {full_name(foreign)}.") from error
        raise MismatchedJSON(str(error)) from error
    except msgspec.DecodeError as error:
        if _came_from_hook(error):  # the hook of the application may decode JSON within a str
            raise MismatchedJSON(str(error)) from error
        raise BadBody(f"The body is not JSON: {_syntax_error(body, error)}.") from error
    except UnicodeDecodeError as error:
        raise BadBody("The body is not JSON: it is not UTF-8.") from error
    except TypeError as error:
        if _came_from_hook(error):
            raise
        if "hash" in str(error) and not _has_set_of_unhashable(kind):
            raise MismatchedJSON(f"A set cannot contain such an item: {error}.") from error
        raise _unreadable(kind, str(error)) from error


def _syntax_error(body: bytes, error: msgspec.DecodeError) -> str:
    """A message that says why a body is not JSON. For a string that ends with half of a surrogate pair, msgspec wrongly
    reports truncated data."""
    what = str(error)
    if what == "Input data was truncated":
        try:
            json.loads(body)  # this accepts half of a surrogate pair
        except (ValueError, RecursionError):
            return what
        return "a string has half of a surrogate pair (\\ud800 to \\udfff)"
    return what


def check_finite(body: bytes, kind: Any) -> None:
    """Raise ValidationError if a body, which matches a type, has a Decimal that is infinite or not a number."""
    finder = infinite_finder(kind)  # the finder is cached, so this is faster than searching the body
    if finder is not None and may_be_infinite(body) and finder(msgspec.json.decode(body)):
        raise msgspec.ValidationError(INFINITE)


def is_too_deep(body: bytes) -> bool:
    """Whether arrays and objects in a body are nested more than DEEPEST levels deep. The check takes linear time.

    If the result is False, no decoder recurses deeper than DEEPEST levels, even if the body is malformed.
    """
    if len(body) <= DEEPEST or body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = body.translate(None, _UNSTRUCTURED).replace(
        b'""', b""
    )  # `""` is an empty string, or the end of a string and the beginning of the next, with no bracket between
    structure = b"".join(structure.split(b'"')[::2])
    rest = structure
    for _ in range(_PEELED):
        rest = rest.replace(b"[]", b"").replace(b"{}", b"")
    return bool(rest) and any(map(DEEPEST.__lt__, accumulate(map(_STEPS.__getitem__, structure))))


def locate(value: Any, root: Any) -> str:
    """The path to `value` within `root`, such as `$.guests[0].since`; "" if `root` does not contain it."""
    places: list[tuple[Any, str]] = [(root, "$")]
    seen: set[int] = set()
    while places:
        each, place = places.pop()
        if each is value:
            return place
        if id(each) not in seen:
            seen.add(id(each))
            places.extend(_parts(each, place))
    return ""


class Unencodable(HandlerError):
    """RW212: a value cannot be encoded as JSON, or as MessagePack."""

    def __init__(self, value: object, form: str = "JSON") -> None:
        super().__init__("RW212", f"{shown(value)}, of type {full_name(type(value))}, cannot be encoded as {form}.")
        self.value = value

    def locate_in(self, root: object) -> None:
        """Add to the message the path that leads from the encoded object to the value."""
        place = locate(self.value, root)
        if place:
            self.message = f"{self.message.removesuffix('.')}; it is at `{place}`."


def _parts(value: Any, place: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield part, f"{place}.{key}" if isinstance(key, str) else f"{place}[{shown(key)}]"
            yield key, f"{place} (a key)"
    elif isinstance(value, list | tuple | set | frozenset):
        for index, part in enumerate(value):
            yield part, f"{place}[{index}]"
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield getattr(value, name, None), f"{place}.{name}"
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield getattr(value, field.name, None), f"{place}.{field.name}"


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    try:
        return msgspec.json.Decoder(kind)
    except Exception as error:
        raise _unreadable(kind, f"{type(error).__name__}: {error}") from error


def decoder_for(kind: Any) -> "msgspec.json.Decoder[Any]":
    try:
        hash(kind)
    except TypeError as error:
        raise _unreadable(kind, "It is not a type.") from error
    return _decoder(kind)


def _unreadable(kind: Any, why: str) -> HandlerError:
    name = full_name(kind) if isinstance(kind, type) else shown(kind)
    return HandlerError("RW211", f"JSON cannot become {name}. {why}".rstrip())


def _described(description: Described) -> Iterator[Described]:
    """Yield msgspec's description of a type, and the descriptions of the types within it."""
    places: list[Any] = [description]
    seen: set[int] = set()
    while places:
        each = places.pop()
        if isinstance(each, tuple):
            places.extend(each)
        elif isinstance(each, Described | Field) and id(each) not in seen:
            seen.add(id(each))
            places.extend(getattr(each, name) for name in each.__struct_fields__ if name != "default")
            if isinstance(each, Described):
                yield each


@lru_cache(maxsize=512)
def _foreign_types(kind: Any) -> tuple[type, ...]:
    """The classes within a type that msgspec cannot decode from JSON. `object` is not one of them, because every
    decoded value is an instance of it. A type may contain such classes, because a field of such a class may have a
    default, so that clients can omit the field.
    """
    customs = [each.cls for each in _described(type_info(kind)) if isinstance(each, CustomType)]
    return tuple(custom for custom in customs if not any(issubclass(native, custom) for native in _NATIVE))


def _expected(message: str, foreign: tuple[type, ...]) -> type | None:
    """The class that msgspec expected, according to its message, if it is one of `foreign`; otherwise None."""
    wanted = _WANTED.match(message) if foreign else None
    names = [name.rpartition(".")[2] for name in wanted[1].split(" | ")] if wanted else []
    return next((each for each in foreign if each.__name__ in names), None)


def _has_set_of_unhashable(kind: Any) -> bool:
    """Whether a type has a set of unhashable items, such as lists. The result is False for items of type Any, because
    they may be hashable."""
    return any(
        _is_unhashable(part)
        for each in _described(type_info(kind))
        if isinstance(each, SetType | FrozenSetType)
        for part in _described(each.item_type)
    )


def _is_unhashable(each: Described) -> bool:
    if isinstance(each, StructType | DataclassType):
        own = getattr(each.cls, "__origin__", each.cls)
        if own.__hash__ is msgspec.Struct.__hash__:
            return bool(own.__struct_config__.eq and not own.__struct_config__.frozen)
        return own.__hash__ is None
    return isinstance(each, ListType | DictType | SetType | ByteArrayType | TypedDictType)


def _came_from_hook(error: BaseException) -> bool:
    """Whether application code, such as a `__post_init__`, has raised an error."""
    trace = error.__traceback__
    return trace is not None and trace.tb_next is not None
