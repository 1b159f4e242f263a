"""Drop the fields of pydantic models that a type lacks, before a user's function makes a representation. Pydantic
itself keeps an object of a subclass unchanged, and drops the additional fields only when it makes JSON. So without
this, the user's function could send them.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from operator import is_
from types import UnionType
from typing import Any, Union, get_args, get_origin

from ropewalk.typed.annotations import without_annotated

_CONTAINERS = (list, tuple, set, frozenset)


def narrowed_model(value: Any, kind: Any) -> Any:
    """Drop additional fields from a value that matches a type with pydantic models. Objects without additional fields
    are returned unchanged."""
    kind = without_annotated(kind)
    if isinstance(kind, type) and hasattr(kind, "model_fields"):
        return _as_model(value, kind) if isinstance(value, kind) else value
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return narrowed_model(value, _member_of(value, arguments))
    if not arguments:
        return value
    if isinstance(value, Mapping):
        by_key = {key: narrowed_model(each, arguments[-1]) for key, each in value.items()}
        return value if _are_same(by_key.values(), value.values()) else by_key
    if not isinstance(value, _CONTAINERS):
        return value
    each_by_itself = isinstance(value, tuple) and arguments[-1] is not Ellipsis
    items = list(map(narrowed_model, value, arguments if each_by_itself else repeat(arguments[0])))
    return value if _are_same(items, value) else type(value)(items)


def _as_model(value: Any, kind: Any) -> Any:
    found = vars(value)
    declared = kind.model_fields
    fields = {name: narrowed_model(found[name], declared[name].annotation) for name in declared if name in found}
    if type(value) is kind and all(fields[name] is found[name] for name in fields):
        return value
    own = kind.__private_attributes__
    private = {name: each for name, each in (value.__pydantic_private__ or {}).items() if name in own}
    made = kind.__new__(kind)
    object.__setattr__(made, "__dict__", fields)
    object.__setattr__(made, "__pydantic_fields_set__", value.model_fields_set & fields.keys())
    extra = value.__pydantic_extra__ if kind.model_config.get("extra") == "allow" else None
    object.__setattr__(made, "__pydantic_extra__", extra)
    object.__setattr__(made, "__pydantic_private__", private or None)
    return made


def _member_of(value: Any, members: tuple[Any, ...]) -> Any:
    """The member of a union to which a value belongs: its own class, or else the first of its base classes."""
    classes = {each: get_origin(each) or each for each in map(without_annotated, members)}
    exact = [each for each, own in classes.items() if own is type(value)]
    others = [each for each, own in classes.items() if isinstance(own, type) and isinstance(value, own)]
    return next(iter([*exact, *others]), Any)


def _are_same(made: Iterable[Any], former: Iterable[Any]) -> bool:
    return all(map(is_, made, former))
