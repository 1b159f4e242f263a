"""`request.json(Room)`: an invalid body gets the same list of errors as the body of a typed handler."""

from typing import Any

from msgspec import ValidationError

from ropewalk.errors import HandlerError, full_name
from ropewalk.json_values import MismatchedJSON, read_json
from ropewalk.typed.bodies import body_errors, json_faults
from ropewalk.typed.descriptions import cached_by_type
from ropewalk.typed.pydantic_models import InvalidModel, model_adapter, read_model_json
from ropewalk.typed.type_parts import parts_of
from ropewalk.typed.unprocessable_content import InvalidInput
from ropewalk.typed.value_shapes import known
from ropewalk.typed.whole_numbers import with_plain_integers


def read_json_of_request(body: bytes, kind: Any) -> Any:
    """A body as a type, which may have models of pydantic.

    Raises InvalidInput (422) with every invalid value, and otherwise as `read_json` does.
    """
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
    """What validates a type. Raises HandlerError (RW211) for one that pydantic does not support."""
    from pydantic.errors import PydanticUserError

    try:
        return model_adapter(kind)
    except PydanticUserError as error:
        name = full_name(kind) if isinstance(kind, type) else repr(kind)
        raise HandlerError("RW211", f"JSON cannot become {name}. {error.message}") from error
