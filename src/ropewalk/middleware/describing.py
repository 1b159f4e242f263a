"""What a middleware adds to the description of the API (OpenAPI): its own responses, and header fields."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ropewalk.errors import HandlerError, is_status, shown

DESCRIPTION: Final = "ropewalk_description"
"""The attribute of a middleware, or of the object whose method it is, with its MiddlewareDescription."""

RETRY_AFTER: Final[Mapping[str, str]] = {"Retry-After": "Seconds to wait before the next request."}
"""The header fields of a response that names a time to wait, with their description."""

AnyMiddleware = TypeVar("AnyMiddleware", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class MiddlewareResponse:
    """A response that a middleware makes in place of the handler. Raises HandlerError (RW219) for a wrong status."""

    status: int
    """If it is an error, the body is described as that of an HTTPError of this status."""
    description: str = ""
    """One sentence. Without one, it is the reason phrase of the status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The header fields of this response, with a description each."""

    def __post_init__(self) -> None:
        if not is_status(self.status):
            what = f"MiddlewareResponse has the status {shown(self.status)}."
            raise HandlerError("RW219", what, "Give an int from 200 to 599.")


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    """A header field of requests that a middleware reads."""

    name: str
    """As clients write it."""
    description: str = ""
    """What the middleware does with it."""
    required: bool = False
    """Whether it refuses a request without it."""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    """A JSON schema of its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiddlewareDescription:
    """What a middleware adds to the operations that it is around."""

    responses: Sequence[MiddlewareResponse] = ()
    """What it responds with in place of the handler."""
    parameters: Sequence[HeaderParameter] = ()
    """The header fields of requests that it reads."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The header fields that it adds to the responses of the handler, with a description each."""
    methods: Collection[str] | None = None
    """The methods for which all this counts; None for every method."""
    with_body: bool = False
    """Whether it counts only for operations whose requests have a body."""


def describes(description: MiddlewareDescription) -> Callable[[AnyMiddleware], AnyMiddleware]:
    """Have the description of the API say what a middleware does: a decorator of a function, a class or an object.

        @describes(MiddlewareDescription(responses=[MiddlewareResponse(402, "The account is empty.")]))
        async def paid(request, next): ...

    Raises HandlerError (RW219) for another argument.
    """
    given: object = description
    if not isinstance(given, MiddlewareDescription):
        what = f"describes was called with {shown(given)}."
        raise HandlerError("RW219", what, "Write `@describes(MiddlewareDescription(...))` above the middleware.")

    def decorate(middleware: AnyMiddleware) -> AnyMiddleware:
        setattr(middleware, DESCRIPTION, description)
        return middleware

    return decorate


def description_of(middleware: Any) -> MiddlewareDescription | None:
    """The description of a middleware, if it has one."""
    found = getattr(middleware, DESCRIPTION, None)
    if found is None:
        found = getattr(getattr(middleware, "__self__", None), DESCRIPTION, None)
    return found if isinstance(found, MiddlewareDescription) else None
