"""The operations of a JSON patch (RFC 6902, section 4) in a request body."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

MOST_OPERATIONS: Final = 1_000
"""The maximum number of operations in a patch."""

DEEPEST_PATH: Final = 100
"""The maximum number of segments in the path of an operation. With this limit, and at most 200 levels in a value of a
body, a changed object is never nested too deeply to be decoded.
"""

Pointer = Annotated[str, Meta(pattern=rf"^(/([^/~]|~[01])*){{0,{DEEPEST_PATH}}}$", max_length=2_000)]
"""The path of an operation: a JSON pointer (RFC 6901)."""


class Operation(Struct, frozen=True, tag_field="op"):
    """One operation of a JSON patch. Members that the class does not define are ignored."""

    path: Pointer


class Add(Operation, frozen=True, tag="add"):
    """Add a member of an object, or an item of an array before an index; "-" is the index after the last item."""

    value: Any


class Remove(Operation, frozen=True, tag="remove"):
    """Remove the value at a path."""


class Replace(Operation, frozen=True, tag="replace"):
    """Replace the value at a path."""

    value: Any


class Move(Operation, frozen=True, tag="move"):
    """Remove a value and add it at another path."""

    from_: Pointer = field(name="from")


class Copy(Operation, frozen=True, tag="copy"):
    """Add a copy of a value at another path."""

    from_: Pointer = field(name="from")


class Test(Operation, frozen=True, tag="test"):
    """Fail the patch if the value at a path differs from `value`."""

    value: Any


Operations = Annotated[list[Add | Remove | Replace | Move | Copy | Test], Meta(max_length=MOST_OPERATIONS)]
