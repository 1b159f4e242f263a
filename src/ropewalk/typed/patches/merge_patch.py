"""`MergePatch`: a JSON object with the new values of fields (RFC 7396)."""

from typing import Any, ClassVar, Final

from ropewalk.typed.patches.kinds import Changed, Patch, Target
from ropewalk.typed.patches.left_out import completed
from ropewalk.typed.patches.nulls import Place

MERGE_PATCH: Final = "application/merge-patch+json"


class MergePatch(Patch[Changed]):
    """Changes to an object: `patch: MergePatch[Room]` as a parameter of a handler.

    The body is an object with the fields that change. Other fields keep their values, and nested objects are changed in
    the same way. Null sets a field to None if its type allows that. Otherwise null removes the field, so that it gets
    its default.
    """

    media_type: ClassVar[str] = MERGE_PATCH

    def __init__(self, document: dict[str, Any], target: Target) -> None:
        self.document = document
        """The body as the client has sent it, as decoded JSON."""
        self._target = target

    def __contains__(self, name: object) -> bool:
        """Whether the client has sent a field, even as null."""
        return name in self.document

    def __repr__(self) -> str:
        return f"MergePatch({self.document!r})"

    def apply(self, value: Any) -> Changed:
        """Return a new, validated object: `value` with the changes. `value` is an object of the patched type, or of a
        type with the same fields.

        Raises InvalidInput (422), which lists all faults in the changed object, and HandlerError (RW260) if `value`
        itself is invalid.
        """
        target = self._target
        document = completed(target.document(value))  # this is safe, because a merge patch cannot read left-out fields
        made: Changed = target.converted(_merged(document, self.document, target.place), value)
        return made


def _merged(into: Any, patch: Any, place: Place) -> Any:
    """Merge a patch into a value (RFC 7396, section 2). `place` is the place of the value within the patched type."""
    if not isinstance(patch, dict):
        return patch
    result = into if isinstance(into, dict) else {}
    for name, value in patch.items():
        if value is not None:
            result[name] = _merged(result.get(name), value, place.below(name))
        elif place.may_be_null(name):
            result[name] = None
        else:
            result.pop(name, None)
    return result
