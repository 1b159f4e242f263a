"""`IfMatch`: the annotation for a parameter that checks the precondition of a change, so that a typed handler need not
take the request. It also describes the precondition in the OpenAPI document."""

from dataclasses import dataclass
from typing import Annotated, Any, final

from ropewalk.request import Request
from ropewalk.typed.markers import Computed


@final
class Precondition:
    """The precondition of a request that changes a resource (RFC 9110, section 13.1.1)."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def check(self, current: str | None) -> None:
        """Raise HTTPError 412 if If-Match does not list the current version, as `Request.if_match` does.

        `current` is the entity tag of the version that the request would change, such as `etag(room)`; None if the
        resource does not exist. Call `check` before the change.
        """
        self._request.if_match(current)


@dataclass(frozen=True, slots=True)
class PreconditionMarker(Computed):
    """The marker for a parameter that takes the precondition."""

    is_required: bool = True
    """Whether a request without If-Match gets 428."""

    def compute(self, request: Request, kind: Any, default: Any) -> Any:
        """Return the precondition. Raises HTTPError 428 if it is required and absent."""
        del kind, default
        if self.is_required:
            request.require_precondition()
        return Precondition(request)


IfMatch = Annotated[Precondition, PreconditionMarker()]
"""The annotation for a parameter that takes the precondition of a change: `def change(room: NewRoom, precondition:
IfMatch)`, then `precondition.check(etag(current))`.

A request without If-Match gets a 428 before the handler's other inputs are read, because its change could overwrite
another client's change.
"""
OptionalIfMatch = Annotated[Precondition, PreconditionMarker(is_required=False)]
"""Like `IfMatch`, for a handler that also accepts requests without If-Match."""
