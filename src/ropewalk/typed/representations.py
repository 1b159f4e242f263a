"""Representations: the media types in which a handler can send its values. The Accept field of a request chooses a
representation.

    @app.get("/rooms/{id}", produces=["application/json", MSGPACK])
    @app.get("/rooms/{id}", produces={"application/json": None, "text/html": room_page})

A function converts the value to a representation: `room_page(room) -> str`. JSON and MessagePack need no function. Text
needs no function if the value is a str.
"""

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from inspect import Signature
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_origin

from ropewalk.errors import HandlerError, HTTPError, Named, full_name, shown
from ropewalk.headers import content_type
from ropewalk.json_values import EncodedJSON
from ropewalk.msgpack_values import is_msgpack, to_msgpack
from ropewalk.negotiation import preferred, vary_by_accept
from ropewalk.request import Request
from ropewalk.response import JSON, Response, to_json
from ropewalk.typed.annotations import without_annotated
from ropewalk.typed.item_streams import item_kind
from ropewalk.typed.model_narrowing import narrowed_model
from ropewalk.typed.outputs import returned_kind
from ropewalk.typed.response_shapes import declared_responses
from ropewalk.typed.value_shapes import members_of

Encode = Callable[[Any], bytes | str]
Produces = Mapping[str, Encode | None] | Iterable[str]

_UNCHANGED: Final = (Path, Iterator, AsyncIterable)
"""Types of values that are sent unchanged, with their own media type."""


class Representations:
    """The media types in which a handler can send its values, the preferred one first."""

    def __init__(self, produces: Mapping[str, Encode | None]) -> None:
        self._encoders = {_with_charset(name): encode or _built_in(name) for name, encode in produces.items()}
        self._offers = tuple(self._encoders)
        self.made_by_functions = frozenset(_bare(name) for name, encode in produces.items() if encode is not None)
        """The media types, without parameters, whose body a user's function makes."""
        self.media_types = tuple(map(_bare, produces))

    def makes_text(self, media_type: str) -> bool:
        """Whether the body of a media type is a text, or is made by a user's function, so that the schema of the value
        does not describe it."""
        return media_type in self.made_by_functions or _is_text(media_type)

    def choose(self, request: Request) -> str:
        """Choose the media type for a request. Raises HTTPError 406 if the client accepts none of the media types."""
        kind = preferred(request.header("accept"), self._offers)
        if kind is None:
            detail = f"This resource can be sent as {' or '.join(self.media_types)}."
            raise HTTPError(406, detail, {"vary": "Accept"})
        return kind

    def respond(self, value: Any, kind: str, status: int | None) -> Any:
        """Convert a value that a handler has returned to a Response. A Response that is not JSON keeps its body."""
        if isinstance(value, _UNCHANGED):
            return value
        if isinstance(value, Response):
            response = value.detached()
            if response.value is not response.body and response.headers.content_type() == JSON:
                response.headers["content-type"] = kind
                response.body = self._encode(response.value, kind)
        elif value is None:
            response = Response(None, status or 204)
        else:
            response = Response(self._encode(value, kind), status or 200, content_type=kind)
        vary_by_accept(response.headers)
        return response

    def _encode(self, value: Any, kind: str) -> bytes | str:
        encode = self._encoders[kind]
        if _bare(kind) in self.made_by_functions:
            value = _without_json(value)
        made: Any = encode(value)
        if isinstance(made, bytes | str):
            return made
        what = f"The function for {_bare(kind)} returned a value of type {full_name(type(made))}."
        raise HandlerError("RW229", what, "Return str or bytes from it.")


def all_produced(given: Any, where: object) -> dict[str, Encode | None]:
    """Check the option `produces`, and return its functions by media type. Raises HandlerError (RW229).

    `where` names the option in messages.
    """
    if given is None:
        return {}
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise _refuse(where, f"is {shown(given)}", 'Write a list of media types: ["application/json"].')
    found = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given)
    for name, encode in found.items():
        if not isinstance(name, str) or not all(content_type(name)[0].partition("/")[::2]) or "*" in name:
            raise _refuse(where, f"has {shown(name)}, which is not a media type", 'Write one such as "text/csv".')
        if encode is not None and not callable(encode):
            raise _refuse(where, f"has {shown(encode)} for {name}, which is not a function", None)
        if encode is None and not _is_built_in(name):
            remedy = f"Give a function that converts a value to it: produces={{{name!r}: to_it}}."
            raise _refuse(where, f"has {name}, and no function that makes it", remedy)
    return found


def representations_for(
    function: Callable[..., Any], of_route: Produces | None, of_app: Produces, signature: Signature
) -> Representations | None:
    """The representations of a handler: the representations of its route, or else of the app if the handler's values
    would be sent as JSON. None if there are none. Raises HandlerError (RW229) for a wrong option `produces`.
    """
    if of_route is None and not of_app:
        return None
    where = Named(function)
    kind = returned_kind(function, signature)
    if of_route is None:
        of_all = all_produced(of_app, where) if of_app else {}
        return Representations(of_all) if of_all and _is_data(kind) else None
    found = all_produced(of_route, where)
    if not found:
        return None
    if any(item_kind(each) is not None for each in _returned_kinds(kind)):
        remedy = "Leave out produces=. A stream is sent as JSON lines, or as events, according to content_type."
        raise _refuse(where, "is given for a stream", remedy)
    for name, encode in found.items():
        if encode is None and _is_text(name) and _is_data(kind):
            remedy = f"Give a function that converts it to text: produces={{{name!r}: to_text}}."
            raise _refuse(where, f"has {name} for values that are not a str", remedy)
    return Representations(found)


def _is_data(kind: Any) -> bool:
    """Whether all values of a type, except None, are sent as JSON by default."""
    kinds = [each for each in _returned_kinds(kind) if each not in (None, NoneType)]
    return bool(kinds) and all(_is_data_itself(each) for each in kinds)


def _returned_kinds(kind: Any) -> list[Any]:
    declared = declared_responses(kind)
    if declared is None:
        whole = [kind]
    else:
        whole = [*declared.bodies.values(), *([Response] if declared.others else [])]
        whole += [] if declared.values is None else [declared.values]
    return [without_annotated(each) for some in whole for each in members_of(without_annotated(some))]


def _is_data_itself(kind: Any) -> bool:
    own = get_origin(kind) or kind
    if kind in (Any, str, bytes) or item_kind(kind) is not None:
        return False
    return not (isinstance(own, type) and issubclass(own, (Response, *_UNCHANGED)))


def _is_built_in(name: str) -> bool:
    bare = _bare(name)
    return bare == JSON or bare.endswith("+json") or is_msgpack(bare) or _is_text(name)


def _is_text(name: str) -> bool:
    return _bare(name) in ("text/plain", "text/html")


def _built_in(name: str) -> Encode:
    bare = _bare(name)
    if is_msgpack(bare):
        return to_msgpack
    return _text if _is_text(name) else to_json


def _text(value: Any) -> bytes | str:
    if isinstance(value, str | bytes):
        return value
    what = f"A value of type {full_name(type(value))} cannot be sent as text."
    raise HandlerError("RW229", what, 'Give a function that converts it to text: produces={"text/plain": to_text}.')


def _bare(name: str) -> str:
    return content_type(name)[0]


def _with_charset(name: str) -> str:
    """A media type in the form in which it is sent: for text, a charset is added."""
    media_type, parameters = content_type(name)
    return f"{name}; charset=utf-8" if media_type.startswith("text/") and "charset" not in parameters else name


def _without_json(value: Any) -> Any:
    """A value in which parts that are already encoded as JSON are replaced by values with the same fields as the
    JSON."""
    if isinstance(value, EncodedJSON):
        return narrowed_model(value.value, value.kind)
    if isinstance(value, list):
        return [_without_json(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_json(each) for key, each in value.items()}
    return value


def _refuse(where: object, what: str, remedy: str | None) -> HandlerError:
    return HandlerError("RW229", f"{where}: produces= {what}.", remedy)
