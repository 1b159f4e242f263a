"""Pydantic models as inputs and outputs. Pydantic is imported only if application code uses it.

Pydantic converts every type that contains a pydantic model, such as `list[Room]`; msgspec converts the others.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect as shapes

from ropewalk.errors import BadBody
from ropewalk.json_values import EncodedJSON, is_too_deep, read_json, unencodable_model, unwrapped
from ropewalk.msgpack_values import read_any_msgpack
from ropewalk.request import Request
from ropewalk.typed.bodies import SentBody, body_errors
from ropewalk.typed.descriptions import within
from ropewalk.typed.form_values import FormField, form_values
from ropewalk.typed.invalid_values import CODES, Fault
from ropewalk.typed.mismatches import Mismatch
from ropewalk.typed.named_values import field_errors, repeated_errors, written_name
from ropewalk.typed.object_checks import check_awaited, check_objects
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.raw_values import VALUES, Names, Repeated
from ropewalk.typed.unprocessable_content import MOST, FieldError, Location

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

_CODES: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
    "multiple_of": "range",
    "string_too_short": "length",
    "string_too_long": "length",
    "too_short": "length",
    "too_long": "length",
    "string_pattern_mismatch": "pattern",
    "enum": "choice",
    "literal_error": "choice",
    "value_error": "invalid",
    "assertion_error": "invalid",
}
"""For each of these error codes of pydantic, Ropewalk's code. Other codes of pydantic become "type" if they end with
`_type`, or else "format".
"""


_OWN_CHECKS: Final = ("value_error", "assertion_error")


class InvalidModel(msgspec.ValidationError):
    """Pydantic has refused a value as invalid."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("pydantic refused a value")
        self.faults = faults


class PydanticBody:
    """Converts a JSON or MessagePack body to a type with pydantic models."""

    def __init__(self, body: Input) -> None:
        self._parameter = body.parameter
        self._sent = SentBody(body)
        self._adapter = model_adapter(body.kind)

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises InvalidModel, and HTTPError 400 and 415."""
        body = self._sent.take(request)
        if body is None:
            return {}
        if not self._sent.is_msgpack(request):
            return {self._parameter: read_model_json(body, self._adapter)}
        return {self._parameter: _validated(read_any_msgpack(body), self._adapter)}

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the body is valid."""
        try:
            self.read(request)
        except InvalidModel as error:
            return body_errors(error.faults)
        return []


class PydanticValues:
    """Reads an input whose pydantic model takes all named values of a part of the request, such as all query
    parameters."""

    def __init__(self, location: Location, taker: Input) -> None:
        self._location = location
        self._parameter = taker.parameter
        self._adapter = model_adapter(taker.kind)
        self._names = names_of_model(taker.kind, location)
        self._values_of = form_values(form_fields_of_model(taker.kind)) if location == "form" else VALUES[location]

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises InvalidModel and Repeated."""
        return {self._parameter: _validated(self._values_of(request, self._names), self._adapter)}

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the values are valid."""
        try:
            self.read(request)
        except InvalidModel as error:
            return field_errors(self._location, self._names, error.faults)
        except Repeated as error:
            found = repeated_errors(self._location, error)
            if error.raw is not None:
                try:
                    _validated(error.raw, self._adapter)
                except InvalidModel as invalid:
                    found += field_errors(self._location, self._names, invalid.faults)
            return found
        return []


def _validated(value: Any, adapter: "TypeAdapter[Any]") -> Any:
    """Convert a value to a model. Raises InvalidModel."""
    try:
        return adapter.validate_python(value)
    except ValueError as error:
        raise _refused(error) from None


def read_model_json(body: bytes, adapter: "TypeAdapter[Any]") -> Any:
    """Decode JSON to the type of an adapter. Raises BadBody (400), and InvalidModel."""
    if is_too_deep(body) or b"NaN" in body or b"Infinity" in body:  # pydantic would accept these names as numbers
        read_json(body, Any)  # raises the error, if the body is invalid
    try:
        return adapter.validate_json(body)
    except ValueError as error:
        refused = _refused(error)
        if isinstance(refused, BadBody):
            read_json(body, Any)  # raises an error with a clearer message
        raise refused from None


def model_encoder(kind: Any, where: object) -> Callable[[Any], EncodedJSON] | None:
    """Return a function that validates a value against a type with pydantic models and encodes it as JSON.

    `where` names the handler. Return None for a type with a part that pydantic does not support, such as a Struct.
    """
    from pydantic.errors import PydanticUserError

    try:
        adapter = model_adapter(kind)
    except PydanticUserError:
        return None

    def encode(value: Any) -> EncodedJSON:
        value = unwrapped(value)
        try:
            check_objects(value, kind)
            made = _by_attributes(adapter, value, kind)
        except (ValueError, msgspec.ValidationError) as error:
            raise Mismatch(where, f"returned a value that does not match its annotation: {error}.") from None
        try:
            data = adapter.dump_json(made, by_alias=True)
        except ValueError as error:
            raise unencodable_model(made, error) from error
        return EncodedJSON(data, made, kind)

    return encode


def _by_attributes(adapter: "TypeAdapter[Any]", value: Any, kind: Any) -> Any:
    try:
        return adapter.validate_python(value, from_attributes=True)
    except ValueError:
        check_awaited(value, kind)
        raise


def has_model(node: shapes.Type) -> bool:
    """Whether a type contains a pydantic model."""
    return any(isinstance(each, shapes.CustomType) and is_model(each.cls) for each in within(node))


def is_model(kind: Any) -> bool:
    """Whether an object is a pydantic model class."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_fields")


def names_of_model(model: Any, location: Location) -> Names:
    """For each name in the request: pydantic's name of the model's field, and whether the field takes several
    values."""
    from pydantic import TypeAdapter

    names: Names = {}
    for field, described in model.model_fields.items():
        schema = TypeAdapter(described.annotation).json_schema()
        kinds = [schema, *schema.get("anyOf", ())]
        several = any(kind.get("type") == "array" for kind in kinds)
        for written in _aliases(described, field, model.model_config):
            names[written_name(written, location)] = written, several
    return names


def form_fields_of_model(model: Any) -> dict[str, FormField]:
    """How the fields of a model are read from a form, by their names in the form."""
    from pydantic import TypeAdapter

    fields: dict[str, FormField] = {}
    for field, described in model.model_fields.items():
        schema = TypeAdapter(described.annotation).json_schema()
        kinds = [schema, *schema.get("anyOf", ())]
        kinds += [each["items"] for each in kinds if "items" in each]
        texts = [each for each in kinds if each.get("type") == "string" and "enum" not in each]
        takes_text = {} in kinds or any("format" not in each for each in texts)
        is_switch = any(each.get("type") == "boolean" for each in kinds) and not takes_text
        takes_file = any(each.get("format") == "binary" for each in kinds)
        made = FormField(takes_file, takes_text, is_switch, described.is_required())
        fields |= dict.fromkeys(_aliases(described, field, model.model_config), made)
    return fields


def _aliases(described: Any, field: str, config: Any) -> list[str]:
    """The names under which pydantic reads a field."""
    alias = described.validation_alias or described.alias
    choices = getattr(alias, "choices", [alias])
    found = [each if isinstance(each, str) else each.path[0] for each in choices if each is not None]
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    return list(dict.fromkeys([*found, field] if by_name or not found else found))


def model_adapter(kind: Any) -> "TypeAdapter[Any]":
    """The TypeAdapter that validates a type with pydantic models."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _refused(error: ValueError) -> Exception:
    """The exception of Ropewalk to raise for pydantic's ValidationError."""
    refused: ValidationError = error  # type: ignore[assignment] # pydantic derives it from ValueError
    found = refused.errors(include_url=False, include_input=False)
    if any(each["type"] == "json_invalid" and not each["loc"] for each in found):
        return BadBody(f"The body is not JSON: {found[0]['msg']}.")
    return InvalidModel(model_faults(error))


def model_faults(error: ValueError) -> list[Fault]:
    """The faults that pydantic's ValidationError lists, at most `MOST`."""
    refused: ValidationError = error  # type: ignore[assignment] # as above
    found = refused.errors(include_url=False, include_input=False)
    return [Fault(tuple(each["loc"]), _code(each["type"]), _message(each)) for each in found[:MOST]]


def _message(error: Any) -> str:
    """The message of an error. For a check in application code, the prefix that pydantic adds is removed."""
    message: str = error["msg"]
    for prefix in ("Value error, ", "Assertion failed, "):
        if error["type"] in _OWN_CHECKS and message.startswith(prefix):
            return message.removeprefix(prefix) or CODES["invalid"]
    return message


def _code(kind: str) -> str:
    return _CODES.get(kind) or ("type" if kind.endswith("_type") else "format")
