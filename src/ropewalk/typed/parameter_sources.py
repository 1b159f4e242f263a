"""Find the inputs of a typed handler: for each parameter, the part of the request from which it is read.

| parameter | comes from |
|---|---|
| the first one, without an annotation or annotated as `Request`, `object` or `Any` | the request itself |
| named in the route's path | the path |
| annotated with a marker, such as `Annotated[str, Header()]` | the part that the marker names |
| of the type `FormData` or `UploadFile`, or a list of `UploadFile` | the form in the body |
| annotated with `Depends` | a provider (see `ropewalk.typed.depends`) |
| of a type with fields, such as a Struct, or of a list of this type | the body |
| any other parameter with an annotation | the query |
| a parameter with a default and without an annotation | no part: the default is used |
"""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from msgspec import inspect as shapes

from ropewalk.errors import HandlerError, describe, full_name, place
from ropewalk.forms import FormData, MissingMultipart, UploadFile, load_multipart
from ropewalk.request import Request
from ropewalk.typed.annotations import evaluated, evaluated_signature, without_alias, without_annotated
from ropewalk.typed.depends import Depends
from ropewalk.typed.descriptions import cached_by_type, described, plain, within
from ropewalk.typed.foreign_constraints import dropped_by_default, dropped_in_type
from ropewalk.typed.markers import JSON, Body, Computed, Cookie, Form, Header, Marker, Path, Query
from ropewalk.typed.patches.kinds import UNNAMED, patch_kinds
from ropewalk.typed.shared_parameters import SharedParameter
from ropewalk.typed.submitted import form_kind, is_submitted
from ropewalk.typed.unused_options import unused_default, unused_name

Source = Literal["request", "path", "query", "header", "cookie", "body", "form", "computed", "dependency"]

EMPTY: Final = inspect.Parameter.empty
BODILESS_METHODS: Final = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))
"""Methods whose definition gives a request body no meaning (RFC 9110, section 9.3)."""

_NATIVE: Final = (dict, list, str, int, float, bool, type(None))
"""The types of decoded JSON. A parameter whose annotation is a base class of these, such as `Iterable` or `object`,
gets a value of one of these types."""

_SOURCES: Final[dict[type[Marker], Source]] = {
    Path: "path",
    Query: "query",
    Header: "header",
    Cookie: "cookie",
    Body: "body",
    Form: "form",
}
_PATH: Final = Path()
_QUERY: Final = Query()
_BODY: Final = Body()
_FORM: Final = Form()
_WITH_FIELDS: Final = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType)
_ARRAYS: Final = (
    shapes.ListType,
    shapes.SetType,
    shapes.FrozenSetType,
    shapes.VarTupleType,
    shapes.TupleType,
)


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """A parameter of a handler, and the part of the request from which it is read.

    Handlers with the same parameter share the Input, so that they can also share the readers that are made from it.
    """

    parameter: str
    """The name of the function's parameter."""
    source: Source
    kind: Any
    """The parameter's type, with its constraints and without the marker."""
    marker: Marker
    name: str
    """The name of the value in the request; "" for the body, the request itself and computed values."""
    default: Any = EMPTY
    by_position: bool = False
    """Whether the argument is passed by position, as for a first parameter that takes the request under any name."""
    depends: Depends | None = None
    """The `Depends` marker if the source is "dependency"; otherwise None."""

    @property
    def required(self) -> bool:
        """Whether the parameter has no default."""
        return self.default is EMPTY

    @property
    def is_unmarked(self) -> bool:
        """Whether the parameter is read from the query because it has no marker and no other rule applies."""
        return self.marker is _QUERY

    @property
    def is_custom(self) -> bool:
        """Whether a marker that the application defines computes the value from the request."""
        return self.source == "computed" and not type(self.marker).__module__.startswith("ropewalk.")


def inputs_of(
    function: Callable[..., Any],
    names: Collection[str],
    methods: Collection[str],
    signature: inspect.Signature | None = None,
) -> tuple[Input, ...]:
    """The inputs of a function that handles `methods` at a path whose parameters are in `names`.

    `signature` is the function's signature, if the caller has evaluated it already. Raises HandlerError (RW214) for a
    parameter that cannot come from a request.
    """
    found = []
    unchecked = []
    for index, (name, parameter) in enumerate((signature or evaluated_signature(function)).parameters.items()):
        depends_on = (name in names, index == 0)
        known = parameter.inputs.get(depends_on) if isinstance(parameter, SharedParameter) else None
        if known is not None:
            found.append(known)
            continue
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        if isinstance(parameter.annotation, str):
            parameter = parameter.replace(annotation=evaluated(parameter.annotation, function))
        made = _input(function, parameter, names, first=index == 0)
        if made is not None:
            found.append(made)
            unchecked.append((made, parameter, depends_on))
    _check_bodies(function, found, methods)
    for made, parameter, depends_on in unchecked:
        _check_type(function, made)
        if isinstance(parameter, SharedParameter):
            parameter.inputs[depends_on] = made
    return tuple(found)


def _input(
    function: Callable[..., Any], parameter: inspect.Parameter, names: Collection[str], *, first: bool
) -> Input | None:
    name, annotation = parameter.name, parameter.annotation
    if has_marker_as_default(parameter):
        given = parameter.default if isinstance(parameter.default, type) else type(parameter.default)
        more = "" if issubclass(given, Depends) else ", and its default after that"
        what = f"has {given.__name__} in the place of its default"
        raise _refuse(function, name, what, f"Write `{name}: Annotated[..., {given.__name__}(...)]`{more}.")
    positional_only = parameter.kind is inspect.Parameter.POSITIONAL_ONLY
    by_position = first and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    if by_position and name not in names and takes_request(parameter):
        return Input(name, "request", Request, Marker(), "", by_position=True)
    if _is_request(annotation) or (name == "request" and annotation is EMPTY):
        return Input(name, "request", Request, Marker(), "")
    if positional_only:
        raise _refuse(function, name, "can only be passed by position", "Remove the slash from its parameters.")
    kind, marker = _without_marker(function, name, annotation)
    if isinstance(marker, Depends):
        unused = None if parameter.default is EMPTY else unused_default(marker)
        if unused is not None:
            raise _refuse(function, name, *unused)
        wanted = marker.provider if isinstance(marker.provider, str) else name
        return Input(name, "dependency", kind, Marker(), wanted, parameter.default, depends=marker)
    if name in names and marker is None:
        marker = _PATH
        kind = Any if kind is EMPTY else kind
    if marker is None and annotation is EMPTY:
        if parameter.default is not EMPTY:
            return None
        raise _refuse(function, name, "has no annotation, and the path has no such parameter")
    if isinstance(kind, str):
        what = f"has the annotation {kind!r}, which cannot be evaluated"
        raise _refuse(function, name, what, "Import its names at run time, not only for type checkers.")
    if marker is None:
        marker = Body() if patch_kinds(kind) else _default_marker(function, name, kind)
    if patch_kinds(kind):
        marker = _patch_marker(function, name, kind, marker)
    source: Source = "computed" if isinstance(marker, Computed) else _SOURCES[type(marker)]
    return Input(name, source, kind, marker, _name_of(name, source, marker), parameter.default)


def has_marker_as_default(parameter: inspect.Parameter) -> bool:
    """Whether a parameter has a marker as its default, as in other frameworks: `value: int = Query()`.

    The marker would be passed as the argument.
    """
    default = parameter.default
    if default is EMPTY:
        return False
    kinds = (Marker, Depends)
    return isinstance(default, kinds) or (isinstance(default, type) and issubclass(default, kinds))


def takes_request(first: inspect.Parameter) -> bool:
    """Whether the first parameter of a function takes the request, according to its annotation."""
    annotation = first.annotation
    return annotation is EMPTY or annotation is Any or annotation is object or _is_request(annotation)


def _is_request(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] in ("Request", "IRequest")
    if not isinstance(annotation, type):
        return _is_of_twisted(annotation)
    return issubclass(annotation, Request) or any(map(_is_of_twisted, annotation.__mro__))


def _is_of_twisted(annotation: Any) -> bool:
    """Whether an annotation is the Request of twisted.web or its interface, which code written for twisted.web uses."""
    own = getattr(annotation, "__name__", "") in ("Request", "IRequest")
    return own and str(getattr(annotation, "__module__", "")).startswith("twisted.web")


def _without_marker(function: Callable[..., Any], name: str, annotation: Any) -> tuple[Any, Marker | Depends | None]:
    """Split an annotation into its type and its marker."""
    annotation = without_alias(annotation)
    if get_origin(annotation) is not Annotated:
        _refuse_marker_within(function, name, annotation)
        return annotation, None
    kind, *details = get_args(annotation)
    if type(kind).__name__ == "TypeAliasType":  # the type of the alias may have markers, too
        return _without_marker(function, name, Annotated[(without_alias(kind), *details)])
    _refuse_marker_within(function, name, kind)
    kinds = (Marker, Depends)
    markers = [each() if isinstance(each, type) and issubclass(each, kinds) else each for each in details]
    rest = tuple(each for each in markers if not isinstance(each, kinds))
    markers = [each for each in markers if isinstance(each, kinds)]
    if len(markers) > 1:
        remedy = "Keep one of Query, Header, Cookie, Path, Body, Form and Depends."
        raise _refuse(function, name, "has two markers", remedy)
    return (Annotated[(kind, *rest)] if rest else kind), (markers[0] if markers else None)


def _refuse_marker_within(function: Callable[..., Any], name: str, kind: Any) -> None:
    """Raise HandlerError for a marker inside a type, where it would be ignored, as in `Annotated[str, Header()] |
    None`."""
    for part in get_args(kind) if get_origin(kind) in (Union, UnionType) else ():
        _, marker = _without_marker(function, name, part)
        if marker is not None:
            given = type(marker).__name__
            what = f"has {given} in one part of a union"
            raise _refuse(function, name, what, f"Mark the whole: `{name}: Annotated[... | None, {given}(...)]`.")


def _default_marker(function: Callable[..., Any], name: str, kind: Any) -> Marker:
    node = _described(function, name, kind)
    if isinstance(node, shapes.BytesType):
        what = "is bytes, which a query cannot carry unchanged"
        remedy = 'Mark it: Annotated[bytes, Body(media_types=("application/octet-stream",))] takes the whole body.'
        raise _refuse(function, name, what, remedy)
    if is_submitted(kind) or _is_of_form(kind):
        return _FORM
    return _BODY if _is_object(kind) else _QUERY


def _patch_marker(function: Callable[..., Any], name: str, kind: Any, marker: Marker) -> Body:
    """The Body marker for a parameter that takes a patch. It has the patch's media types, unless the user's marker has
    others."""
    if not isinstance(marker, Body):
        raise _refuse(function, name, "is a patch, which only a body can have", "Mark it with Body(), or not at all.")
    bare = next((each.patch.__name__ for each in patch_kinds(kind) if each.changed is UNNAMED), None)
    if bare is not None:
        remedy = f"Write `{name}: {bare}[Room]`, with the type of the object, or `{bare}[Any]` to check nothing."
        raise _refuse(function, name, f"is a {bare} that does not name the type that it changes", remedy)
    own = tuple(each.patch.media_type for each in patch_kinds(kind))
    return replace(marker, media_types=own) if marker.media_types == (JSON,) else marker


def _name_of(parameter: str, source: Source, marker: Marker) -> str:
    if source in ("body", "computed"):
        return ""
    if marker.name is not None:
        return marker.name.lower() if source == "header" else marker.name
    return parameter.replace("_", "-").lower() if source == "header" else parameter


def _described(function: Callable[..., Any], name: str, kind: Any) -> shapes.Type:
    try:
        return described(kind)
    except Exception as error:
        raise _refuse(function, name, f"has a type that cannot be read ({error})") from error


@cached_by_type
def _is_object(kind: Any) -> bool:
    return _has_fields(described(kind))


@cached_by_type
def _is_of_form(kind: Any) -> bool:
    """Whether a type is FormData or UploadFile, or has one of them as a member."""
    return any(isinstance(each, shapes.CustomType) and _comes_from_forms(each.cls) for each in within(described(kind)))


def _comes_from_forms(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, (FormData, UploadFile))


def _has_fields(node: shapes.Type) -> bool:
    """Whether values of a type are objects or contain objects."""
    kinds = (*_WITH_FIELDS, shapes.NamedTupleType, shapes.DictType, shapes.CustomType)
    return any(isinstance(each, kinds) for each in within(node))


@cached_by_type
def _foreign_in_type(kind: Any) -> Any:
    return foreign_in(described(kind))


def foreign_in(node: shapes.Type) -> Any:
    """The first class in a type that neither msgspec nor pydantic supports; None if there is none."""
    customs = (each.cls for each in within(node, keys=True) if isinstance(each, shapes.CustomType))
    return next((each for each in customs if not _is_read(each)), None)


def _is_read(custom: type) -> bool:
    """Whether a value can be read for a class that msgspec does not support: it is a pydantic model, or a base class of
    a type in _NATIVE."""
    return hasattr(custom, "__pydantic_validator__") or any(issubclass(each, custom) for each in _NATIVE)


@cached_by_type
def takes_all(kind: Any) -> bool:
    """Whether a type has fields, so that it takes all query parameters, header fields or cookies."""
    return isinstance(plain(described(kind)), _WITH_FIELDS)


def is_form_data(kind: Any) -> bool:
    """Whether a type is FormData."""
    return isinstance(kind, type) and issubclass(kind, FormData)


def _takes_whole(kind: Any) -> bool:
    """Whether a type takes all query parameters, header fields or cookies: it has fields, or is a pydantic model."""
    return hasattr(without_annotated(kind), "__pydantic_validator__") or takes_all(kind)


def is_single_value(kind: Any) -> bool:
    """Whether a type is read from a single text, such as a path segment."""
    try:
        node = described(kind)
    except Exception:  # noqa: BLE001 - msgspec raises various exceptions if it is not a type
        return False
    return not isinstance(plain(node), shapes.AnyType) and not is_array(node) and not _has_fields(node)


def is_array(node: shapes.Type) -> bool:
    """Whether a type takes several values, so that a name may be repeated."""
    node = plain(node)
    if isinstance(node, shapes.UnionType):
        return any(is_array(each) for each in node.types)
    return isinstance(node, _ARRAYS)


def _check_bodies(function: Callable[..., Any], inputs: list[Input], methods: Collection[str]) -> None:
    bodies = [each for each in inputs if each.source == "body"]
    forms = [each for each in inputs if each.source == "form"]
    if bodies and forms:
        names = f"{bodies[0].parameter} and {forms[0].parameter}"
        what = "would come from the body and from a form, which is the body, too"
        raise _refuse(function, names, what, "Mark both with Form(), or read one of them from the query.")
    if len({each.marker.limits for each in forms if isinstance(each.marker, Form) and each.marker.limits}) > 1:
        names = " and ".join(each.parameter for each in forms)
        raise _refuse(function, names, "have different limits of one form", "Give the limits once.")
    bodies = bodies or forms[:1]
    if len(bodies) > 1:
        names = " and ".join(each.parameter for each in bodies)
        remedy = "Use one type with a field for each."
        raise _refuse(function, names, "would each take the whole body", remedy)
    if bodies and BODILESS_METHODS.issuperset(methods):
        written = ", ".join(sorted(methods))
        what = f"would come from the body, which a {written} request does not have"
        remedy = f"Mark it with Query(), or use POST, PUT or PATCH. {_by_depends(bodies[0])}"
        raise _refuse(function, bodies[0].parameter, what, remedy)


def _check_type(function: Callable[..., Any], made: Input) -> None:
    if made.source in ("request", "computed", "dependency"):
        return
    if made.source == "form":
        _check_form(function, made)
        _require_multipart(function, made)
    for kind in [patch.changed for patch in patch_kinds(made.kind)] or [form_kind(made.kind)]:
        _described(function, made.parameter, kind)
        foreign = _foreign_in_type(kind)
        if foreign is not None and not (made.source == "form" and _comes_from_forms(foreign)):
            remedy = "Use types that msgspec supports, a dataclass, a Struct, or a model of pydantic. "
            remedy += _by_depends(made)
            raise _refuse(function, made.parameter, f"is {full_name(foreign)}, which cannot be read", remedy)
        if made.source != "form" and _has_file(kind):
            what = "has a file, which only a form can have"
            raise _refuse(function, made.parameter, what, f"Mark it: `{made.parameter}: Annotated[..., Form()]`.")
        takes_whole = made.source != "body" and (_takes_whole(kind) or is_form_data(kind))
        unused = unused_name(made.marker, takes_whole=takes_whole)
        if unused is not None:
            raise _refuse(function, made.parameter, *unused)
        dropped = dropped_by_default(made.default) or dropped_in_type(kind)
        if dropped is not None:
            what = f"has {dropped.written}{dropped.field and f' in {dropped.field}'}, which would not be checked"
            raise _refuse(function, made.parameter, what, dropped.remedy)


def _check_form(function: Callable[..., Any], made: Input) -> None:
    """Raise HandlerError (RW214) for a `Submitted` without a type that has fields."""
    if not is_submitted(made.kind):
        return
    if form_kind(made.kind) is made.kind or not _takes_whole(form_kind(made.kind)):
        what = "is Submitted without a type that has fields"
        raise _refuse(function, made.parameter, what, "Write `Submitted[Model]`, with a Struct, dataclass or model.")


def _require_multipart(function: Callable[..., Any], made: Input) -> None:
    """Raise MissingMultipart (RW278) for a file if forms with files cannot be parsed."""
    kind = form_kind(made.kind)
    if is_form_data(kind) or not (_is_of_form(kind) or _has_file(kind)):
        return
    try:
        load_multipart()
    except MissingMultipart as error:
        error.message = f"{describe(function)} at {place(function)}: {made.parameter} has a file. {error.message}"
        raise


@cached_by_type
def _has_file(kind: Any) -> bool:
    """Whether a type has fields, and one of them is a file."""
    fields = getattr(plain(described(kind)), "fields", ())
    return any(
        isinstance(part, shapes.CustomType) and _comes_from_forms(part.cls)
        for each in fields
        for part in within(each.type)
    )


def _by_depends(wanted: Input) -> str:
    """The remedy for a parameter whose value the application must provide, not the client."""
    kind = getattr(wanted.kind, "__name__", "...")
    return f"If your code provides it, write `{wanted.parameter}: Annotated[{kind}, Depends(...)]`."


def _refuse(function: Callable[..., Any], name: str, what: str, remedy: str | None = None) -> HandlerError:
    return HandlerError("RW214", f"{describe(function)} at {place(function)}: {name} {what}.", remedy)
