"""The type that a patch changes: it converts objects to JSON, and the changed JSON back to objects."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect as shapes

from ropewalk.errors import HandlerError, full_name, shown
from ropewalk.finite_numbers import infinite_finder
from ropewalk.typed.attribute_conversion import convert_attributes
from ropewalk.typed.bodies import body_errors
from ropewalk.typed.invalid_values import Fault, faults_in
from ropewalk.typed.narrowing import narrowing
from ropewalk.typed.patches.kinds import Target
from ropewalk.typed.patches.left_out import completed, with_left_out
from ropewalk.typed.patches.nulls import Place, Places
from ropewalk.typed.patches.secrets import masked, unmasked
from ropewalk.typed.pydantic_models import has_model, model_adapter, model_faults
from ropewalk.typed.unprocessable_content import InvalidInput

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def target_of(kind: Any) -> Target:
    """Make the Target for a type. Raises TypeError for a type that msgspec does not support."""
    node = shapes.type_info(kind)
    return _ModelTarget(kind) if has_model(node) else _NativeTarget(kind, node)


class _Target:
    """The base class of targets."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def document(self, value: Any) -> Any:
        """Convert a value to JSON, as new dicts and lists.

        Raises HandlerError (RW260) for a value that does not match the type.
        """
        try:
            return self._document(value)
        except (ValueError, TypeError) as error:
            raise self._unlike(value, error) from error

    def converted(self, document: Any, value: Any) -> Any:
        """Convert the changed JSON to an object. `value` is the object before the changes.

        Raises InvalidInput, which lists all faults in the changed JSON, or HandlerError (RW260) if `value` was already
        invalid.
        """
        faults = self._faults(document)
        if isinstance(faults, list):
            before = self._faults(self.document(value))
            if isinstance(before, list):
                raise self._unlike(value, f"{before[0].pointer or 'the whole'}: {before[0].message}")
            raise InvalidInput(body_errors(faults))
        return faults.value

    @cached_property
    def place(self) -> Place:
        """The Place of the whole object in the schema of its type."""
        try:
            schema = self._schema()
        except (TypeError, ValueError, RuntimeError):  # the type has no schema, for example because of a hook
            schema = {"type": "object"}
        return Places(schema).root

    def _unlike(self, value: Any, why: object) -> HandlerError:
        name = full_name(self.kind) if isinstance(self.kind, type) else shown(self.kind)
        return HandlerError("RW260", f"{shown(value)}, of type {full_name(type(value))}, is not a valid {name}: {why}")

    def _document(self, value: Any) -> Any:
        raise NotImplementedError

    def _faults(self, document: Any) -> "list[Fault] | _Made":
        raise NotImplementedError

    def _schema(self) -> dict[str, Any]:
        raise NotImplementedError


class _Made:
    """The result of a successful conversion."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _NativeTarget(_Target):
    """The target for a type that msgspec supports."""

    def __init__(self, kind: Any, node: shapes.Type) -> None:
        super().__init__(kind)
        self._narrow = narrowing(node)
        self._has_infinite = infinite_finder(kind)

    def _document(self, value: Any) -> Any:
        made = convert_attributes(value, self.kind)
        made = made if self._narrow is None else self._narrow(made)
        return with_left_out(msgspec.to_builtins(made, str_keys=True), made)

    def _faults(self, document: Any) -> list[Fault] | _Made:
        document = completed(document)
        try:
            made = _Made(msgspec.convert(document, self.kind, str_keys=True))
        except (ValueError, TypeError):  # TypeError is raised if an item of a set is not hashable
            return faults_in(document, self.kind)
        if self._has_infinite is not None and self._has_infinite(document):
            return faults_in(document, self.kind)
        return made

    def _schema(self) -> dict[str, Any]:
        return msgspec.json.schema(self.kind)


class _ModelTarget(_Target):
    """The target for a type with pydantic models."""

    def __init__(self, kind: Any) -> None:
        super().__init__(kind)
        self._adapter: TypeAdapter[Any] = model_adapter(kind)

    def _document(self, value: Any) -> Any:
        made = self._adapter.validate_python(value, from_attributes=True)
        # `round_trip` omits computed fields, because they are not valid as input.
        document = self._adapter.dump_python(made, mode="json", by_alias=True, round_trip=True)
        document = masked(document, self._adapter.dump_python(made, by_alias=True, round_trip=True))
        return with_left_out(document, made)

    def _faults(self, document: Any) -> list[Fault] | _Made:
        try:
            return _Made(self._adapter.validate_json(msgspec.json.encode(unmasked(completed(document)))))
        except ValueError as error:
            return model_faults(error)

    def _schema(self) -> dict[str, Any]:
        return self._adapter.json_schema()
