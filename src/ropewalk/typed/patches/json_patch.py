"""`JSONPatch`: a list of operations (RFC 6902). The package jsonpatch applies them."""

from importlib import import_module
from typing import Any, ClassVar, Final

import msgspec

from ropewalk.errors import HandlerError, HTTPError
from ropewalk.json_values import is_too_deep
from ropewalk.typed.patches.kinds import Changed, Patch, Target
from ropewalk.typed.patches.left_out import with_fields_of
from ropewalk.typed.patches.operations import Copy, Move, Operation
from ropewalk.typed.unprocessable_content import FieldError, InvalidInput

JSON_PATCH: Final = "application/json-patch+json"

MOST_COPIED: Final = 256 * 1024
"""The maximum size in bytes of JSON that all `copy` and `move` operations of a patch may copy together. If the object
itself is larger, its size is the limit. Without a limit, each operation could double the object."""


class JSONPatch(Patch[Changed]):
    """Changes to an object: `patch: JSONPatch[Room]` as a parameter of a handler. It needs the extra `patch`.

    The body is a list of at most 1,000 operations, such as `{"op": "replace", "path": "/beds", "value": 3}`.
    """

    media_type: ClassVar[str] = JSON_PATCH

    def __init__(self, operations: list[Operation], target: Target) -> None:
        self.operations: list[dict[str, Any]] = msgspec.to_builtins(operations)
        """The operations as the client has sent them, as decoded JSON."""
        self._kinds = [type(each) for each in operations]
        self._target = target
        self._library = library()

    def __repr__(self) -> str:
        return f"JSONPatch({self.operations!r})"

    def apply(self, value: Any) -> Changed:
        """Return a new, validated object: `value` with the changes. `value` is an object of the patched type, or of a
        type with the same fields.

        Raises HTTPError 409 if a `test` fails, or if the object lacks a value that an operation needs. Raises
        InvalidInput (422), which lists all faults in the changed object, and HandlerError (RW260) if `value` itself is
        invalid.
        """
        whole = document = self._target.document(value)
        left = max(MOST_COPIED, len(msgspec.json.encode(document, enc_hook=str)))
        for index, operation in enumerate(self.operations):
            if self._kinds[index] in (Copy, Move):
                left -= self._size_of_source(document, operation, index)
                if left < 0:
                    raise _refused(index, "The operations copy too much.")
            document = self._applied(document, operation, index)
        made: Changed = self._target.converted(with_fields_of(whole, document), value)
        return made

    def _applied(self, document: Any, operation: dict[str, Any], index: int) -> Any:
        patch, pointer = self._library
        try:
            return patch.JsonPatch([operation]).apply(document, in_place=True)
        except patch.JsonPatchTestFailed:
            raise _conflict(operation, index, f"{operation['path'] or 'The whole'} has another value") from None
        except (patch.JsonPatchConflict, pointer.JsonPointerException):
            raise _impossible(operation, index) from None
        except (patch.InvalidJsonPatch, TypeError, ValueError):
            raise _refused(index, "The operation cannot be applied at this path.") from None

    def _size_of_source(self, document: Any, operation: dict[str, Any], index: int) -> int:
        """The size in bytes of the JSON that an operation copies."""
        _, pointer = self._library
        try:
            source = pointer.JsonPointer(operation["from"]).resolve(document)
        except pointer.JsonPointerException:
            raise _impossible(operation, index) from None
        encoded = msgspec.json.encode(source, enc_hook=str)  # `str` encodes a MaskedSecret
        if is_too_deep(encoded):
            raise _refused(index, "The copied value has arrays and objects nested too deeply.")
        return len(encoded)


def library() -> tuple[Any, Any]:
    """The modules jsonpatch and jsonpointer. Raises HandlerError (RW261) if a module is not installed."""
    try:
        return import_module("jsonpatch"), import_module("jsonpointer")
    except ImportError as error:
        raise HandlerError("RW261", f"A handler takes a JSONPatch, and {error.name} is not installed.") from error


def _impossible(operation: dict[str, Any], index: int) -> HTTPError:
    """The error for an object that lacks a value which an operation needs.

    It does not contain the messages of jsonpatch, because these contain the whole object, which the client may not be
    allowed to see.
    """
    path, source = operation["path"], operation.get("from")
    if operation["op"] == "move" and path != source and path.startswith(f"{source}/"):
        return _conflict(operation, index, "a value cannot be moved into itself")
    if operation["op"] == "remove" and not path:
        return _conflict(operation, index, "the whole cannot be removed")
    places = f"at {path or 'the whole'}" if source is None else f"at {source or 'the whole'} or {path or 'the whole'}"
    return _conflict(operation, index, f"the object does not have the value that it needs {places}")


def _conflict(operation: dict[str, Any], index: int, why: str) -> HTTPError:
    detail = f"Operation {index} ({operation['op']}) cannot be applied: {why.rstrip('.')}."
    return HTTPError(409, {"detail": detail, "operation": index, "pointer": operation["path"]})


def _refused(index: int, why: str) -> InvalidInput:
    return InvalidInput([FieldError(location="body", pointer=f"/{index}", code="invalid", message=why)])
