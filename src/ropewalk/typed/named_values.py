"""Read inputs that are named values, such as query parameters.

All inputs of one part of the request become fields of one generated Struct, because msgspec converts a whole Struct in
the time of a few single values.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, Union

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert, defstruct
from msgspec import inspect as shapes
from msgspec.structs import asdict

from ropewalk.converters import BY_TYPE
from ropewalk.errors import HandlerError, HTTPError
from ropewalk.finite_numbers import INFINITE, is_infinite
from ropewalk.request import Request
from ropewalk.suggest import did_you_mean
from ropewalk.typed.annotations import without_annotated
from ropewalk.typed.descriptions import cached_by_type, described, plain, within
from ropewalk.typed.form_values import form_field, form_values
from ropewalk.typed.invalid_values import Fault, faults_in
from ropewalk.typed.named_checks import checks_in
from ropewalk.typed.parameter_sources import Input, is_array
from ropewalk.typed.raw_values import VALUES, Names, Raw, Repeated, ValuesOf, query_pairs
from ropewalk.typed.unprocessable_content import FieldError, Location

_EXPECTED: Final = {
    "Expected `bool`, got `str`": "Expected true or false",
    "Expected `int`, got `str`": "Expected a whole number",
    "Expected `float`, got `str`": "Expected a number",
    "Expected `UploadFile`, got `str`": "Expected a file",
    "Expected `UploadFile | null`, got `str`": "Expected a file",
    "Expected `str`, got `UploadFile`": "Expected text, not a file",
}
"""Messages for values that a request has as text. They replace msgspec's messages."""


class NamedValues:
    """Reads inputs that each take one named value, or a list of all values with one name."""

    def __init__(self, location: Location, inputs: Sequence[Input]) -> None:
        self._location = location
        required = {each.parameter for each in inputs if each.required}
        self._values_of = reader_of(location, {each.parameter: described(each.kind) for each in inputs}, required)
        if location == "path":
            self._values_of = _converted(self._values_of, inputs)
        self._group = _group_of(inputs)
        self._names: Names = {each.name: (each.parameter, is_array(described(each.kind))) for each in inputs}
        self._has_optional = any(not each.required for each in inputs)
        self._required_in_path = [each.name for each in inputs if location == "path" and each.required]

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the arguments. Raises ValidationError."""
        arguments = asdict(_convert(self._values_of(request, self._names), self._group))
        if self._has_optional:
            return {name: value for name, value in arguments.items() if value is not UNSET}
        return arguments

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the values are valid.

        Raises HandlerError (RW214) if the path lacks a parameter that an input reads, because the client cannot correct
        that.
        """
        for name in self._required_in_path:
            if name not in request.params:
                what = f"A parameter is read from the path as {name!r}, and {request.route} has no such parameter."
                remedy = (
                    f"Write {{{name}}} into its path, or into that of the mount.{did_you_mean(name, request.params)}"
                )
                raise HandlerError("RW214", what, remedy)
        return _errors(self._location, self._names, self._group, lambda: self._values_of(request, self._names))


class WholeValues:
    """Reads an input whose type has fields, which takes all named values of a part of the request."""

    def __init__(self, location: Location, taker: Input) -> None:
        self._location = location
        self._parameter = taker.parameter
        self._kind = taker.kind
        node: Any = plain(described(taker.kind))
        required = {each.encode_name for each in node.fields if each.required}
        self._values_of = reader_of(location, {each.encode_name: each.type for each in node.fields}, required)
        self._names: Names = {
            written_name(each.encode_name, location): (each.encode_name, is_array(each.type)) for each in node.fields
        }
        self._refuses_others = location == "query" and bool(getattr(node, "forbid_unknown_fields", False))
        self._checks = checks_in(taker.kind)

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises ValidationError."""
        raw = self._raw(request)
        value = _convert(raw, self._kind)
        if any(check.faults_in(raw) for check in self._checks):
            raise ValidationError("a check refused a value")
        return {self._parameter: value}

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the values are valid."""
        found = _errors(self._location, self._names, self._kind, lambda: self._raw(request))
        if not self._checks:
            return found
        known = {each.name for each in found}
        try:
            raw = self._raw(request)
        except Repeated:
            return found
        more = field_errors(
            self._location, self._names, [fault for check in self._checks for fault in check.faults_in(raw)]
        )
        return found + [each for each in more if each.name not in known]

    def _raw(self, request: Request) -> Raw:
        raw = self._values_of(request, self._names)
        if self._refuses_others:
            raw |= {name: value for name, value in query_pairs(request.query_string) if name not in self._names}
        return raw


def reader_of(location: Location, nodes: Mapping[str, shapes.Type], required: Collection[str] = ()) -> ValuesOf:
    """Return a function that reads the raw values for these fields from a part of a request.

    `required` has the fields without a default, for a form.

    msgspec converts the text "null", in upper or lower case, to None. In a request it is ordinary text, so it must be
    an invalid number or date, even if the type allows None. msgspec also converts "nan" and "inf" to numbers. These
    texts must be invalid, too, because JSON and path converters do not allow them.
    """
    if location == "form":
        values_of = form_values({name: form_field(node, required=name in required) for name, node in nodes.items()})
    else:
        values_of = VALUES[location]
    nullable = [(field, _text) for field, node in nodes.items() if _takes_null(node)]
    changes = nullable + [(field, _finite_text) for field, node in nodes.items() if _takes_infinite(node)]
    if not changes:
        return values_of

    def values(request: Request, names: Names) -> Raw:
        raw = values_of(request, names)
        for field, change in changes:
            if field in raw:
                value = raw[field]
                raw[field] = [change(each) for each in value] if isinstance(value, list) else change(value)
        return raw

    return values


def written_name(field: str, location: Location) -> str:
    """The name that a field or parameter without an alias has in the request."""
    return field.replace("_", "-").lower() if location == "header" else field


def field_errors(location: Location, names: Names, faults: Sequence[Fault]) -> list[FieldError]:
    """Convert faults to FieldErrors. The path of each fault begins with the name of a field."""
    written = {field: name for name, (field, _) in names.items()}
    errors = []
    for fault in faults:
        field, *within = fault.path or ("",)
        name = written.get(str(field), str(field))
        below = Fault(tuple(within), fault.code, fault.message)
        errors.append(
            FieldError(location=location, name=name, pointer=below.pointer, code=fault.code, message=fault.message)
        )
    return errors


def repeated_errors(location: Location, error: Repeated) -> list[FieldError]:
    """The errors for values that are given twice but may be given only once."""
    made = partial(FieldError, location=location, code="repeated", message="The value is given twice.")
    return [made(name=each) for each in (str(error), *error.more)]


def _errors(location: Location, names: Names, kind: Any, raw: Any) -> list[FieldError]:
    try:
        values = raw()
        _convert(values, kind)
    except Repeated as error:
        found = repeated_errors(location, error)
        return found if error.raw is None else found + _errors(location, names, kind, partial(dict, error.raw))
    except ValidationError:
        faults = [_of_text(fault, values) for fault in faults_in(values, kind, strict=False)]
        return field_errors(location, names, faults)
    return []


def _of_text(fault: Fault, values: Raw) -> Fault:
    """Replace the message of a fault. Every value of a query is text, so msgspec's "got `str`" does not help the
    client."""
    if fault.code not in ("type", "format"):
        return fault
    value: Any = values
    for part in fault.path:
        if not isinstance(value, dict | list):
            return fault
        value = value[part]  # type: ignore[index] # a path has keys of dicts, and indexes of lists
    if value == "":
        return fault._replace(message="The value is empty.")
    wanted = _EXPECTED.get(fault.message)
    return fault if wanted is None else fault._replace(message=wanted)


def _convert(values: Raw, kind: Any) -> Any:
    """Convert raw values to a type. Raises ValidationError."""
    try:
        return convert(values, kind, strict=False)
    except ValidationError:
        raise
    except ValueError as error:  # msgspec raises this for a time, given in seconds, after the year 9999
        raise ValidationError(str(error)) from None


def _group_of(inputs: Sequence[Input]) -> type[Struct]:
    return _group(tuple((each.parameter, each.kind, each.required) for each in inputs))


@cached_by_type
def _group(wanted: tuple[tuple[str, Any, bool], ...]) -> type[Struct]:
    """Make a Struct class with a field for each input, which is given as its parameter, its type, and whether it is
    required."""
    fields: list[Any] = []
    for name, kind, required in wanted:
        if required:
            fields.append((name, kind))
        else:  # the default is omitted, because the function itself has it
            fields.append((name, Union[kind, UnsetType], UNSET))  # noqa: UP007 - made at run time
    return defstruct("Inputs", fields, kw_only=True)


def _converted(values_of: ValuesOf, inputs: Sequence[Input]) -> ValuesOf:
    """Wrap a reader so that it converts path parameters like a converter of the route: an invalid value raises
    HTTPError 404.

    A route chooses its converters according to the annotations of its handler. This wrapper has the same effect for an
    input of a provider, or if the path names another converter.
    """
    known = {each.parameter: BY_TYPE.get(without_annotated(each.kind)) for each in inputs}
    wanted = {field: converter for field, converter in known.items() if converter is not None}
    if not wanted:
        return values_of

    def values(request: Request, names: Names) -> Raw:
        raw = values_of(request, names)
        for field, converter in wanted.items():
            if isinstance(raw.get(field), str):
                try:
                    raw[field] = converter.parse(raw[field])
                except ValueError:
                    raise HTTPError(404) from None
        return raw

    return values


def _takes_null(node: shapes.Type) -> bool:
    """Whether msgspec converts the text "null" to None for a type, or for the items of an array type."""
    node = plain(node)
    if isinstance(node, shapes.CollectionType):  # the raw values of an array are always a list
        return _takes_null(node.item_type)
    if not isinstance(node, shapes.UnionType):
        return isinstance(node, shapes.NoneType)
    kinds = [plain(each) for each in node.types]
    arrays = [each for each in kinds if isinstance(each, shapes.CollectionType)]
    if arrays:
        return any(_takes_null(each.item_type) for each in arrays)
    is_text = any(isinstance(each, (shapes.StrType, shapes.AnyType)) for each in kinds)
    return not is_text and any(isinstance(each, shapes.NoneType) for each in kinds)


def _takes_infinite(node: shapes.Type) -> bool:
    """Whether msgspec can convert a text to an infinite number for a type, or for the items of an array type."""
    kinds = list(within(node))
    return any(isinstance(each, (shapes.FloatType, shapes.DecimalType)) for each in kinds) and not any(
        isinstance(each, (shapes.StrType, shapes.AnyType)) for each in kinds
    )


def _finite_text(value: Any) -> Any:
    """Return the value. A text that is an infinite number or NaN is replaced with a text that is not a number."""
    return INFINITE if isinstance(value, str) and is_infinite(value) else value


def _text(value: Any) -> Any:
    """Return the value. A space is appended to the text "null", so that msgspec does not convert it to None."""
    return f"{value} " if isinstance(value, str) and value.lower() == "null" else value
