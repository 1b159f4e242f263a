"""Keep the fields that the JSON of an object leaves out, such as those with `Field(exclude=True)` in pydantic. A patch
changes the JSON of an object, so without this module, each patch would reset these fields. They must not be in the JSON
that a `JSONPatch` changes, because a client could compare them with `test` and read them with `copy`. So these fields
are kept beside the JSON, and added after the patch.
"""

from typing import Any

from msgspec import to_builtins

from ropewalk.typed.descriptions import cached_by_type
from ropewalk.typed.patches.secrets import ARRAYS, Path, masked


class PartialObject(dict[str, Any]):
    """The JSON of an object that leaves fields out. The attribute `left_out` has these fields, and `path` is the path
    to the object.
    """

    left_out: dict[str, Any]
    path: Path


def with_left_out(document: Any, value: Any, path: Path = ()) -> Any:
    """Return the JSON of a value, with a `PartialObject` for each object whose JSON leaves fields out. Raises
    ValueError for a field that is left out and whose value cannot be encoded as JSON.
    """
    if getattr(type(value), "__pydantic_root_model__", False):
        value = value.root
    if isinstance(document, dict):
        return _of_object(document, value, path)
    if isinstance(document, list) and isinstance(value, ARRAYS) and len(document) == len(value):
        return [with_left_out(each, part, (*path, None)) for each, part in zip(document, value, strict=True)]
    return document


def with_fields_of(replaced: Any, document: Any) -> Any:
    """Add the left-out fields of the object `replaced` to the document that has replaced it, because the client cannot
    have sent these fields."""
    if not isinstance(replaced, PartialObject) or type(document) is not dict:
        return document
    return _partial(document, replaced.left_out, replaced.path)


def completed(document: Any, path: Path = ()) -> Any:
    """Add the left-out fields to every object that is still at its place, or in another item of the same array. If the
    client has sent a value for such a field, that value is kept."""
    if isinstance(document, dict):
        if isinstance(document, PartialObject) and document.path == path:
            document = {**document.left_out, **document}
        return {name: completed(each, (*path, name)) for name, each in document.items()}
    return [completed(each, (*path, None)) for each in document] if isinstance(document, list) else document


def _of_object(document: dict[str, Any], value: Any, path: Path) -> dict[str, Any]:
    if isinstance(value, dict) and len(value) == len(document):
        parts = zip(document.items(), value.values(), strict=True)
        return {name: with_left_out(each, part, (*path, name)) for (name, each), part in parts}
    fields = _fields(type(value))
    made = dict(document)
    left_out = {}
    for name, (sent_name, read_name, kind) in fields.items():
        if not hasattr(value, name):
            continue
        part = getattr(value, name)
        if sent_name in made:
            made[sent_name] = with_left_out(made[sent_name], part, (*path, sent_name))
        else:
            left_out[read_name] = _encoded(part, kind, (*path, read_name))
    return _partial(made, left_out, path) if left_out else made


def _partial(document: dict[str, Any], left_out: dict[str, Any], path: Path) -> PartialObject:
    made = PartialObject(document)
    made.left_out, made.path = left_out, path
    return made


def _fields(kind: Any) -> dict[str, tuple[str, str, Any]]:
    """The fields of a class. For each field: its name in JSON, the name under which it is read, and for a pydantic
    model its type."""
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_fields"):
        return {
            name: (each.serialization_alias or each.alias or name, _read_name(each, name), each.annotation)
            for name, each in kind.model_fields.items()
        }
    names = [each.name for each in getattr(kind, "__attrs_attrs__", ())]  # msgspec omits fields with an underscore
    return {name: (name, name, None) for name in names}


def _read_name(field: Any, name: str) -> str:
    alias = field.validation_alias or field.alias
    for each in getattr(alias, "choices", [alias]):
        if isinstance(each, str):
            return each
    return name


def _encoded(value: Any, kind: Any, path: Path) -> Any:
    if kind is None:
        return to_builtins(value, str_keys=True)
    adapter = _adapter(kind)
    document = adapter.dump_python(value, mode="json", by_alias=True, round_trip=True)
    plain = adapter.dump_python(value, by_alias=True, round_trip=True)
    return with_left_out(masked(document, plain, path), value, path)


@cached_by_type
def _adapter(kind: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        return TypeAdapter(kind)
    except PydanticUserError:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))
