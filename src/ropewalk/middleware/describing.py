"""What a middleware adds to the OpenAPI document: its own responses, and header fields."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ropewalk.errors import OptionError, is_status, shown

DESCRIPTION: Final = "ropewalk_description"
"""The name of the attribute that holds a middleware's MiddlewareDescription. If the middleware is a method, its object
has the attribute."""

RETRY_AFTER: Final[Mapping[str, str]] = {"Retry-After": "Seconds to wait before the next request."}
"""The description of the Retry-After field, for `MiddlewareResponse.headers`."""

AnyMiddleware = TypeVar("AnyMiddleware", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class MiddlewareResponse:
    """A response that a middleware sends instead of calling the handler.

    Raises HandlerError (RW219) for a wrong status.
    """

    status: int
    """The status of the response. For an error status, the document describes the body of an HTTPError with this
    status."""
    description: str = ""
    """A sentence that describes the response. If it is empty, the document has the reason phrase of the status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The header fields of this response: descriptions by name."""

    def __post_init__(self) -> None:
        if not is_status(self.status):
            what = f"MiddlewareResponse has the status {shown(self.status)}."
            raise OptionError("RW219", what, "Give an int from 200 to 599.")


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    """A request header field that a middleware reads."""

    name: str
    """The name of the field, with upper and lower case as the document shows it."""
    description: str = ""
    """What the middleware does with the field."""
    required: bool = False
    """Whether the middleware refuses a request without the field."""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    """The JSON schema of the field's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiddlewareDescription:
    """What a middleware adds to the operations that it wraps."""

    responses: Sequence[MiddlewareResponse] = ()
    """The responses that the middleware sends instead of calling the handler."""
    parameters: Sequence[HeaderParameter] = ()
    """The request header fields that the middleware reads."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The header fields that the middleware adds to the handler's responses: descriptions by name."""
    headers_on_errors: bool = False
    """Whether the middleware adds `headers` to every response that passes it: including error responses, and responses
    from the middleware inside it."""
    methods: Collection[str] | None = None
    """The methods to which this description applies; None for all."""
    with_body: bool = False
    """Whether this description applies only to operations with a request body."""


def describes(description: MiddlewareDescription) -> Callable[[AnyMiddleware], AnyMiddleware]:
    """A decorator that adds a middleware's description to the OpenAPI document, for a function, a class or an object.

        @describes(MiddlewareDescription(responses=[MiddlewareResponse(402, "The account is empty.")]))
        async def paid(request, next): ...

    Raises HandlerError (RW219) for another argument.
    """
    given: object = description
    if not isinstance(given, MiddlewareDescription):
        what = f"describes was called with {shown(given)}."
        raise OptionError("RW219", what, "Write `@describes(MiddlewareDescription(...))` above the middleware.")

    def decorate(middleware: AnyMiddleware) -> AnyMiddleware:
        setattr(middleware, DESCRIPTION, description)
        return middleware

    return decorate


def description_of(middleware: Any) -> MiddlewareDescription | None:
    """The description of a middleware, or None."""
    found = getattr(middleware, DESCRIPTION, None)
    if found is None:
        found = getattr(getattr(middleware, "__self__", None), DESCRIPTION, None)
    return found if isinstance(found, MiddlewareDescription) else None
