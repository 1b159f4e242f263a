"""Refuse objects that msgspec and pydantic would convert to a type although they have nothing in common with it.

Both read the attributes of any object. If all fields of a type have defaults, every object would become an object with
only defaults, even a coroutine that was not awaited, or a function that was not called.
"""

from asyncio import Future
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import isawaitable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final, get_origin
from uuid import UUID

from msgspec import Raw, UnsetType, ValidationError
from msgspec import inspect as shapes
from twisted.internet.defer import Deferred

from ropewalk.awaited_truth import is_coroutine
from ropewalk.errors import describe, full_name
from ropewalk.response import forget
from ropewalk.typed.descriptions import cached_by_type, described, plain

Check = Callable[[Any], None]
"""A function that raises _Refused for a value with a part that must not be converted."""

_ARRAYS: Final = (list, tuple, set, frozenset)
_FUNCTIONS: Final = (FunctionType, MethodType, BuiltinFunctionType)
_NEVER: Final = (*_FUNCTIONS, type, ModuleType, Deferred, Future)
_WITH_FIELDS: Final = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType, shapes.NamedTupleType)
_WITHOUT_ATTRIBUTES: Final = (
    *(
        type(None),
        str,
        bytes,
        bytearray,
        memoryview,
        int,
        float,
        Decimal,
        date,
        time,
        timedelta,
        UUID,
        Enum,
        Raw,
        UnsetType,
    ),
    *_ARRAYS,
)
"""Types of values whose attributes are never read, so msgspec itself refuses them where they do not match."""


class _Refused(Exception):
    """A part of a value must not be converted. `place` is the path to the part, innermost first."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.place: list[str] = []


def check_objects(value: Any, kind: Any) -> None:
    """Raise ValidationError if a value, or a part of it, has nothing in common with the type that it must have."""
    _run(_checks(kind), value)


def check_awaited(value: Any, kind: Any) -> None:
    """Raise ValidationError for a value with a part that was not awaited. Call it to explain another error."""
    _run(_checks_of_all(kind), value)


def unawaited(value: Any) -> str | None:
    """Say that a value is a coroutine, a Deferred or another awaitable; None if it is not. Closes the coroutine."""
    if is_coroutine(value):
        name = describe(value).rpartition(".")[2]
        forget(value)
        return f"it is a coroutine that was not awaited; write `await {name}(...)`"
    if isawaitable(value):
        name = type(value).__qualname__
        return f"it is a {name} that was not awaited; write `await` in front of the call that returned it"
    return None


def _run(check: Check | None, value: Any) -> None:
    if check is None:
        return
    try:
        check(value)
    except _Refused as error:
        place = "".join(reversed(error.place))
        raise ValidationError(f"{error.why} - at `${place}`" if place else error.why) from None


@cached_by_type
def _checks(kind: Any) -> Check | None:
    return _Checks(leaves=False).of(described(kind))


@cached_by_type
def _checks_of_all(kind: Any) -> Check | None:
    return _Checks(leaves=True).of(described(kind))


class _Checks:
    """Makes the checks for the parts of a type. Each class gets only one check, because a class may contain itself.

    With `leaves`, values without fields are checked too, but only for whether they were awaited.
    """

    def __init__(self, *, leaves: bool) -> None:
        self._leaf: Check | None = _check_awaited if leaves else None
        self._of_classes: dict[Any, Check] = {}

    def of(self, node: shapes.Type) -> Check | None:
        node = plain(node)
        if isinstance(node, _WITH_FIELDS):
            return self._of_class(node)
        if _is_model(node):
            return self._of_model(node)
        if isinstance(node, shapes.UnionType):
            return self._of_union(node)
        if isinstance(node, shapes.TupleType):
            parts = [self.of(each) for each in node.item_types]
            return (lambda value: _check_each(value, parts)) if any(parts) else None
        if isinstance(node, shapes.CollectionType):
            return self._of_items(node)
        if isinstance(node, shapes.DictType):
            return self._of_values(node)
        return None if isinstance(node, shapes.AnyType) else self._leaf

    def _of_class(self, node: Any) -> Check:
        names = [each.name for each in node.fields]
        fields = [(each.name, each.encode_name, each.type) for each in node.fields]
        return self._of_fields(node.cls, names, fields, has_attributes=_has_attributes(node))

    def _of_model(self, node: Any) -> Check:
        names: list[str] = []
        fields = []
        for name, each in node.cls.model_fields.items():
            alias = each.validation_alias if isinstance(each.validation_alias, str) else name
            names += [name, alias]
            if each.validation_alias is not None and not isinstance(each.validation_alias, str):
                names.clear()  # the value may be at any path
                break
            fields.append((alias, alias, _known(each.annotation)))
        validators = node.cls.__pydantic_decorators__.model_validators.values()
        if getattr(node.cls, "__pydantic_root_model__", False) or any(each.info.mode != "after" for each in validators):
            names, fields = [], []  # the model itself decides what it accepts
        return self._of_fields(node.cls, names, fields, has_attributes=True)

    def _of_fields(
        self, cls: Any, names: list[str], fields: list[tuple[str, str, shapes.Type]], *, has_attributes: bool
    ) -> Check:
        if cls in self._of_classes:
            return lambda value: self._of_classes[cls](value)
        own: Any = get_origin(cls) or cls
        by_name: dict[str, Check] = {}
        by_key: dict[str, Check] = {}

        def check(value: Any) -> None:
            if type(value) is own and has_attributes:  # msgspec does not convert such an object
                return
            if isinstance(value, Mapping):
                for key, part in by_key.items():
                    if key in value:
                        _check_at(f".{key}", part, value[key])
            elif isinstance(value, list | tuple):
                _check_each(value, parts)
            elif isinstance(value, _WITHOUT_ATTRIBUTES) or not has_attributes:
                _check_awaited(value)
            else:
                why = _unlike(value, own, names)
                if why is not None:
                    raise _Refused(why)
                for name, part in by_name.items():
                    _check_at(f".{name}", part, getattr(value, name, None))

        self._of_classes[cls] = check
        parts = [self.of(kind) for _, _, kind in fields]
        for (name, key, _), part in zip(fields, parts, strict=True):
            if part is not None:
                by_name[name] = by_key[key] = part
        return check

    def _of_union(self, node: shapes.UnionType) -> Check | None:
        members = [plain(each) for each in node.types]
        if any(isinstance(each, shapes.AnyType | shapes.CustomType) and not _is_model(each) for each in members):
            return None
        classes: list[Any] = [each for each in members if _has_attributes(each)]
        if len(classes) > 1:  # msgspec refuses objects of other classes, which lack the tags
            return _check_awaited
        found = [check for each in members if (check := self.of(each)) is not None and check is not self._leaf]
        leaf = self._leaf
        if len(found) == 1:
            return found[0]

        def check_members(value: Any) -> None:
            if isinstance(value, (*_ARRAYS, Mapping)) or not classes:
                for each in found:
                    each(value)
            else:
                self._of_classes[classes[0].cls](value)  # the other checks do not read attributes

        return check_members if found else leaf

    def _of_items(self, node: shapes.CollectionType) -> Check | None:
        item = self.of(node.item_type)
        if item is None:
            return None
        of_item: Any = plain(node.item_type)
        exact = {get_origin(of_item.cls) or of_item.cls} if _has_attributes(of_item) else set()

        def check(value: Any) -> None:
            if not isinstance(value, _ARRAYS):
                _check_awaited(value)
            elif set(map(type, value)) != exact:
                for index, each in enumerate(value):
                    _check_at(f"[{index}]", item, each)

        return check

    def _of_values(self, node: shapes.DictType) -> Check | None:
        item = self.of(node.value_type)
        if item is None:
            return None

        def check(value: Any) -> None:
            if not isinstance(value, Mapping):
                _check_awaited(value)
                return
            for key, each in value.items():
                _check_at(f"[{key!r}]", item, each)

        return check


def _has_attributes(node: shapes.Type) -> bool:
    """Whether an object can be converted to a type by its attributes."""
    return isinstance(node, shapes.StructType | shapes.DataclassType) or _is_model(node)


def _is_model(node: shapes.Type) -> bool:
    return isinstance(node, shapes.CustomType) and hasattr(node.cls, "__pydantic_decorators__")


def _known(kind: Any) -> shapes.Type:
    try:
        return described(kind)
    except Exception:  # noqa: BLE001 - msgspec raises many exception types for types that it does not support
        return shapes.AnyType()


def _check_at(place: str, check: Check, value: Any) -> None:
    try:
        check(value)
    except _Refused as error:
        error.place.append(place)
        raise


def _check_each(value: Any, parts: Iterable[Check | None]) -> None:
    if not isinstance(value, _ARRAYS):
        _check_awaited(value)
        return
    for index, (each, part) in enumerate(zip(value, parts, strict=False)):
        if part is not None:
            _check_at(f"[{index}]", part, each)


def _check_awaited(value: Any) -> None:
    why = unawaited(value)
    if why is not None:
        raise _Refused(why)


def _has(value: Any, name: str) -> bool:
    """Like `hasattr`, but calls no property, because msgspec reads it later, and each read may query a database."""
    return hasattr(type(value), name) or name in getattr(value, "__dict__", ()) or hasattr(value, name)


def _unlike(value: Any, own: type, names: Collection[str]) -> str | None:
    """Say why the attributes of an object must not be read as the fields of a class; None if they may be read."""
    if isinstance(value, own):
        return None
    is_never = isinstance(value, _NEVER) or is_coroutine(value)
    if not is_never and (not names or any(_has(value, name) for name in names)):
        return None
    why = unawaited(value)
    if why is not None:
        return why
    if isinstance(value, _FUNCTIONS):
        return f"it is the function {describe(value)}, which was not called"
    if isinstance(value, type):
        return f"it is the class {full_name(value)}, not an object of it"
    if isinstance(value, ModuleType):
        return f"it is the module {value.__name__}"
    return f"{full_name(type(value))} has none of the attributes of {own.__name__}"
