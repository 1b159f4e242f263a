"""JSON of clients as values of a type, and what is wrong with values that are to become JSON."""

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

DEEPEST: Final = 200
"""Arrays and objects within each other that a body may have.

msgspec, and whatever takes a value apart afterwards, calls itself for each, and Python's bound is 1,000 calls, of which
`copy.deepcopy` takes two for each. .NET allows 64, Ruby 100, serde_json 128, PHP 512, Go 10,000.
"""

_NATIVE: Final = (dict, list, str, int, float, bool, type(None))
"""What JSON becomes where no type is named."""
_WANTED: Final = re.compile(r"Expected `([^`]+)`, got ")
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_PEELED: Final = 5
"""How often the innermost arrays and objects are removed. Mostly nothing is left then, and that is the fastest way."""
_UNSTRUCTURED: Final = bytes(set(range(256)) - {*_STEPS, ord('"')})


def read_json(body: bytes, kind: Any) -> Any:
    """A body as a value of a type.

    Raises BadBody (400) for what is not JSON or nested too deeply, HTTPError 422 for a value that the type does not
    have, and HandlerError (RW211) for a type, or a part of it that was sent, which no JSON can become.
    """
    decoder = _decoder_for(kind)
    if is_too_deep(body):
        raise BadBody(f"The body has arrays and objects more than {DEEPEST} deep.")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        foreign = _expected(str(error), _foreign_types(kind))
        if foreign is not None:
            raise _unreadable(kind, "" if foreign is kind else f"It has {full_name(foreign)} in it.") from error
        raise HTTPError(422, str(error)) from error
    except msgspec.DecodeError as error:
        if _came_from_hook(error):  # which reads JSON inside of a str, perhaps
            raise HTTPError(422, str(error)) from error
        raise BadBody(f"The body is not JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise BadBody("The body is not JSON: it is not UTF-8.") from error
    except TypeError as error:
        if _came_from_hook(error):
            raise
        if "hash" in str(error) and not _has_set_of_unhashable(kind):
            raise HTTPError(422, f"A set cannot have such an item: {error}.") from error
        raise _unreadable(kind, str(error)) from error


def is_too_deep(body: bytes) -> bool:
    """Whether more than DEEPEST arrays and objects are within each other.

    As far as a body is JSON, it is taken apart correctly, so that no decoder gets deeper. The work is linear.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = body.translate(None, _UNSTRUCTURED).replace(b'""', b"")  # nothing is lost by the end of one in the next
    structure = b"".join(structure.split(b'"')[::2])
    rest = structure
    for _ in range(_PEELED):
        rest = rest.replace(b"[]", b"").replace(b"{}", b"")
    return bool(rest) and any(map(DEEPEST.__lt__, accumulate(map(_STEPS.__getitem__, structure))))


def locate(value: Any, root: Any) -> str:
    """Where a value is within another, as in `$.guests[0].since`; "" where it is not to be found."""
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
    """RW212: a value that is to become JSON, and cannot."""

    def __init__(self, value: object) -> None:
        super().__init__("RW212", f"{shown(value)}, of type {full_name(type(value))}, cannot be encoded as JSON.")
        self.value = value

    def locate_in(self, root: object) -> None:
        """Name the place within what was to be encoded."""
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


def _decoder_for(kind: Any) -> "msgspec.json.Decoder[Any]":
    try:
        hash(kind)
    except TypeError as error:
        raise _unreadable(kind, "It is no type.") from error
    return _decoder(kind)


def _unreadable(kind: Any, why: str) -> HandlerError:
    name = full_name(kind) if isinstance(kind, type) else shown(kind)
    return HandlerError("RW211", f"JSON cannot become {name}. {why}".rstrip())


def _described(description: Described) -> Iterator[Described]:
    """A type, and those of which it is made."""
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
    """The classes in a type that msgspec does not know, and which JSON never becomes, unlike `object` or `Iterable`.

    They are no mistake by themselves: a field of such a class may have a default, and clients leave it out.
    """
    customs = [each.cls for each in _described(type_info(kind)) if isinstance(each, CustomType)]
    return tuple(custom for custom in customs if not any(issubclass(native, custom) for native in _NATIVE))


def _expected(message: str, foreign: tuple[type, ...]) -> type | None:
    """Which of some classes a client would have had to send, by what msgspec says of it."""
    wanted = _WANTED.match(message) if foreign else None
    names = [name.rpartition(".")[2] for name in wanted[1].split(" | ")] if wanted else []
    return next((each for each in foreign if each.__name__ in names), None)


def _has_set_of_unhashable(kind: Any) -> bool:
    """Whether a type has a set of what no set can have, such as lists. Of anything, some may be hashable."""
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
    """Whether a function of the program has raised an error, such as a `__post_init__`."""
    trace = error.__traceback__
    return trace is not None and trace.tb_next is not None
