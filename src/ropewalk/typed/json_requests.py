"""`request.json(Room)`: an invalid body gets the same list of errors as the body of a typed handler."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from msgspec import DecodeError, ValidationError

from ropewalk.errors import HandlerError, full_name
from ropewalk.finite_numbers import infinite_finder
from ropewalk.json_values import MismatchedJSON, decoder_for, is_too_deep, read_json
from ropewalk.typed.bodies import body_errors, json_faults
from ropewalk.typed.descriptions import cached_by_type
from ropewalk.typed.pydantic_models import InvalidModel, model_adapter, read_model_json
from ropewalk.typed.type_parts import parts_of
from ropewalk.typed.unprocessable_content import InvalidInput
from ropewalk.typed.value_shapes import known
from ropewalk.typed.whole_numbers import with_plain_integers


def read_json_of_request(body: bytes, kind: Any) -> Any:
    """Decode a JSON body to a type, which may contain pydantic models. Raises InvalidInput (422), which lists every
    invalid value, and the other errors of `read_json`.
    """
    try:
        decode = _plain_decoder(kind)
    except TypeError:  # the type is not hashable, or msgspec does not support it
        decode = None
    if decode is None or is_too_deep(body):
        return _read_checked(body, kind)
    try:
        return decode(body)
    except (DecodeError, UnicodeDecodeError, TypeError):
        return _read_checked(body, kind)  # usually raises a more precise error


@lru_cache(maxsize=512)
def _plain_decoder(kind: Any) -> Callable[[bytes], Any] | None:
    """The function that decodes JSON bodies to a type; None if msgspec alone cannot check such bodies. This is so for a
    type that msgspec does not support, or that needs further checks."""
    if kind is not Any and (known(kind) is None or parts_of(kind).has_model or infinite_finder(kind) is not None):
        return None
    return decoder_for(kind).decode


def _read_checked(body: bytes, kind: Any) -> Any:
    if known(kind) is not None and parts_of(kind).has_model:
        try:
            return read_model_json(body, _adapter(kind))
        except InvalidModel as error:
            raise InvalidInput(body_errors(error.faults)) from None
    try:
        return read_json(body, kind)
    except MismatchedJSON as error:
        first = error
    plain = with_plain_integers(body)
    if plain is not body:
        try:
            return read_json(plain, kind)
        except MismatchedJSON as error:
            first = error
    raise InvalidInput(body_errors(json_faults(body, kind, ValidationError(str(first.detail))))) from first


@cached_by_type
def _adapter(kind: Any) -> Any:
    """The TypeAdapter for a type with pydantic models. Raises HandlerError (RW211) for a type that pydantic does not
    support."""
    from pydantic.errors import PydanticUserError

    try:
        return model_adapter(kind)
    except PydanticUserError as error:
        name = full_name(kind) if isinstance(kind, type) else repr(kind)
        raise HandlerError("RW211", f"JSON cannot become {name}. {error.message}") from error
