"""Find constraints of pydantic and annotated_types in annotations, because msgspec ignores them. Without this check,
they would be dropped silently, and the input would not be validated. Types with a model of pydantic are left to
pydantic, which applies them. The packages are recognised by name, so neither is imported.
"""

import dataclasses
import sys
import typing
from typing import Annotated, Any, Final, get_args, get_origin

from msgspec import Struct
from msgspec import inspect as shapes

from ropewalk.typed.annotations import without_alias
from ropewalk.typed.descriptions import cached_by_type, described, within

_PACKAGES: Final = ("pydantic", "annotated_types")
_NO_CONSTRAINTS: Final = (
    "DocInfo",
    "Examples",
    "PlainSerializer",
    "SkipJsonSchema",
    "SkipValidation",
    "Tag",
    "WithJsonSchema",
    "WrapSerializer",
)
"""Classes of these packages that only describe a value or change how it is sent, so dropping them is allowed."""
_OF_META: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
"""The constraints that `msgspec.Meta` has, too, under the same names."""


class Dropped(typing.NamedTuple):
    """A constraint that would be dropped, and so never checked."""

    field: str
    """The class and the field that has the constraint, such as `Room.beds`; empty for the annotation itself."""
    written: str
    """The object with the constraint, for messages, such as `Ge(ge=1) of annotated_types`."""
    remedy: str


def dropped_in_type(kind: Any) -> Dropped | None:
    """The first constraint of another package in a type or in the fields of its classes; None if there is none."""
    if sys.modules.keys().isdisjoint(_PACKAGES):
        return None  # then no type can have such a constraint; most applications import neither package
    return _dropped_in_type(kind)


@cached_by_type
def _dropped_in_type(kind: Any) -> Dropped | None:
    customs = [each.cls for each in within(described(kind)) if isinstance(each, shapes.CustomType)]
    if any(hasattr(each, "__pydantic_validator__") for each in customs):
        return None
    return _dropped(kind, "", set())


def dropped_by_default(default: Any) -> Dropped | None:
    """The constraint in a default such as `pydantic.Field(5, ge=1)`, which msgspec would use as the default value
    itself."""
    if not _package_of(default) or type(default).__name__ != "FieldInfo":
        return None
    in_place = Dropped("", "pydantic.Field", "Write the default itself.")
    return (_of_metadata(default, "") or in_place) if getattr(default, "metadata", None) else in_place


def _dropped(kind: Any, field: str, seen: set[Any]) -> Dropped | None:
    kind = without_alias(kind)
    if get_origin(kind) is Annotated:
        kind, *details = get_args(kind)
        for each in details:
            found = _of_metadata(each, field)
            if found is not None:
                return found
        return _dropped(kind, field, seen)
    for part in get_args(kind):
        found = _dropped(part, field, seen)
        if found is not None:
            return found
    return _in_fields(get_origin(kind) or kind, field, seen)


def _in_fields(owner: Any, field: str, seen: set[Any]) -> Dropped | None:
    if not isinstance(owner, type) or owner in seen or not _has_fields(owner):
        return None
    seen.add(owner)
    if hasattr(owner, "__pydantic_validator__"):
        return Dropped(field, f"the dataclass {owner.__qualname__} of pydantic", "Make it a model of pydantic.")
    for name, kind in _annotations(owner).items():
        where = f"{owner.__name__}.{name}"
        default = getattr(owner, name, None) if dataclasses.is_dataclass(owner) else _default(owner, name)
        found = dropped_by_default(default) or _dropped(kind, where, seen)
        if found is not None:
            return found._replace(field=found.field or where)
    return None


def _has_fields(owner: Any) -> bool:
    named_tuple = issubclass(owner, tuple) and hasattr(owner, "_fields")
    has_marks = hasattr(owner, "__total__") or hasattr(owner, "__attrs_attrs__") or named_tuple
    return has_marks or issubclass(owner, Struct) or dataclasses.is_dataclass(owner)


def _annotations(owner: Any) -> dict[str, Any]:
    """The evaluated annotations of a class's fields. Empty if a name in them cannot be found."""
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except (NameError, TypeError):
        return {}


def _default(owner: Any, name: str) -> Any:
    if not issubclass(owner, Struct):
        return None
    names = owner.__struct_fields__
    position = names.index(name) - len(names) if name in names else 0
    defaults = owner.__struct_defaults__
    return defaults[position] if -len(defaults) <= position < 0 else None


def _package_of(value: Any) -> str:
    """The package from which a value or class comes, "pydantic" or "annotated_types"; empty for any other package."""
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__.partition(".")[0] == "pydantic":
        return "pydantic"
    return "annotated_types" if any(base.__module__ == "annotated_types" for base in kind.__mro__) else ""


def _of_metadata(value: Any, field: str) -> Dropped | None:
    package = _package_of(value)
    kind = value if isinstance(value, type) else type(value)
    if not package or kind.__name__ in _NO_CONSTRAINTS:
        return None
    parts = [value, *(getattr(value, "metadata", None) or ())]
    if kind.__name__ == "FieldInfo":
        if len(parts) == 1 and getattr(value, "alias", None) is None and _has_no_default(value):
            return None  # at most, it has a description
        written = "pydantic.Field"
    else:
        written = f"{package}.{kind.__name__}"
    given = {}
    for part in parts:
        given.update({name: getattr(part, name) for name in _OF_META if getattr(part, name, None) is not None})
    meta = ", ".join(f"{name}={each!r}" for name, each in given.items())
    if meta:
        return Dropped(field, written, f"Write Annotated[..., msgspec.Meta({meta})].")
    return Dropped(field, written, "Use msgspec.Meta, such as msgspec.Meta(ge=1), or a model of pydantic.")


def _has_no_default(field_info: Any) -> bool:
    return type(field_info.default).__name__ in ("PydanticUndefinedType", "ellipsis")
