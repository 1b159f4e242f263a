"""Markers for `Annotated`: from which part of a request a parameter comes, and how it is described.

    def find(tag: Annotated[str, Query("t", description="Only rooms with this tag.")] = "") -> list[Room]: ...

`name` is the name that clients write; None stands for the parameter's own. A Header's own name has hyphens in place of
underscores. Constraints are those of `msgspec.Meta`, in the same `Annotated`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ropewalk.errors import HandlerError

if TYPE_CHECKING:
    from ropewalk.request import Request

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Marker:
    """The fields that all markers have."""

    name: str | None = None
    """The name that clients write; None for that of the parameter. A Header has hyphens in place of its underscores."""
    description: str | None = None
    """For the description of the API, in Markdown."""
    example: Any = None
    """A value for the description of the API."""
    examples: Mapping[str, Any] | None = None
    """Several values by name, or Example Objects of OpenAPI, such as `{"summary": "By the sea", "value": ...}`."""
    deprecated: bool = False
    """Whether clients should stop sending it."""
    hidden: bool = False
    """Whether the description of the API leaves it out."""


@dataclass(frozen=True, slots=True)
class Query(Marker):
    """From the query. A type with fields, such as a Struct, takes the whole query."""


@dataclass(frozen=True, slots=True)
class Header(Marker):
    """From the header fields. A type with fields takes one header field for each of its own."""


@dataclass(frozen=True, slots=True)
class Cookie(Marker):
    """From the cookies."""


@dataclass(frozen=True, slots=True)
class Path(Marker):
    """From the path. Needed only for a parameter of a mount around the route."""


@dataclass(frozen=True, slots=True)
class Body(Marker):
    """From the body, which must be of one of the `media_types`."""

    media_types: tuple[str, ...] = (JSON,)
    """The accepted values of Content-Type, without their parameters. Any other gets 415."""
    limit: int | None = None
    """In bytes; None for the limit of the route, or of the engine."""

    def __post_init__(self) -> None:
        """Raises HandlerError (RW214) for one str in place of several media types."""
        given: object = self.media_types
        if isinstance(given, str | bytes):
            raise HandlerError("RW214", f"Body has media_types={given!r}.", f"Write media_types=({given!r},).")


@dataclass(frozen=True, slots=True)
class Computed(Marker):
    """From the request as a whole, by a method. Features that add a marker of their own derive it from this one."""

    def compute(self, request: "Request", kind: Any, default: Any) -> Any:
        """The argument for a parameter of a type. `default` is `inspect.Parameter.empty` if the function has none.

        It is called before the other inputs are read. Raises HTTPError to refuse the request.
        """
        raise NotImplementedError
