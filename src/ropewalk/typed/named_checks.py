"""Additional checks for a type that takes all values of a part of the request: `ROOMS` in `query: Annotated[RoomQuery,
Query(), ROOMS]`. Such a check finds invalid values that the type allows, so that one response lists all invalid values.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, get_args, get_origin, runtime_checkable

from ropewalk.typed.invalid_values import Fault


@runtime_checkable
class NamedCheck(Protocol):
    """A check of the values that a client has sent, such as `CursorPages`."""

    def faults_in(self, values: Mapping[str, Any]) -> Sequence[Fault]:
        """List the faults in `values`, which maps the names of the type's fields to texts. Values may also be invalid
        for other reasons."""


def checks_in(kind: Any) -> tuple[NamedCheck, ...]:
    """The NamedChecks in the metadata of a type."""
    details = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return tuple(each for each in details if isinstance(each, NamedCheck))
