"""Markers for `Annotated`: from which part of the request a parameter is read, and how it is described.

    def find(tag: Annotated[str, Query("t", description="Only rooms with this tag.")] = "") -> list[Room]: ...

`name` is the name in the request; None stands for the parameter's name, which for a Header has hyphens instead of
underscores. To add constraints, put a `msgspec.Meta` into the same `Annotated`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ropewalk.errors import HandlerError, KnownOptions, is_int, shown
from ropewalk.forms import FormLimits

if TYPE_CHECKING:
    from ropewalk.request import Request

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Marker(KnownOptions):
    """The base class of markers: the options that all markers have."""

    name: str | None = None
    """The name in the request; None for the parameter's name, which for a Header has hyphens instead of underscores."""
    description: str | None = None
    """A description for the OpenAPI document, in Markdown."""
    example: Any = None
    """An example value for the OpenAPI document."""
    examples: Mapping[str, Any] | None = None
    """Several example values by name, or Example Objects of OpenAPI, such as `{"summary": "By the sea", "value":
    ...}`."""
    deprecated: bool = False
    """Whether clients should stop sending the value."""
    hidden: bool = False
    """Whether the OpenAPI document omits the parameter."""

    def __post_init__(self) -> None:
        """Raises HandlerError (RW214) for an option of a wrong type, such as a default that was passed as the name."""
        for option in ("name", "description", "deprecated", "hidden"):
            given = getattr(self, option)
            is_flag = option in ("deprecated", "hidden")
            if not isinstance(given, bool if is_flag else str | None):
                what = f"{type(self).__name__} has the invalid value {option}={shown(given)}."
                remedy = "Give a bool." if is_flag else "Give a str."
                if option == "name":
                    remedy = "Give the name that clients write, as a str. A default follows the annotation: `= ...`."
                raise HandlerError("RW214", what, remedy)


@dataclass(frozen=True, slots=True)
class Query(Marker):
    """The parameter is read from the query. A type with fields, such as a Struct, takes all query parameters."""


@dataclass(frozen=True, slots=True)
class Header(Marker):
    """The parameter is read from the header fields. A type with fields takes one header field for each of its
    fields."""


@dataclass(frozen=True, slots=True)
class Cookie(Marker):
    """The parameter is read from the cookies. A type with fields takes one cookie for each of its fields."""


@dataclass(frozen=True, slots=True)
class Path(Marker):
    """The parameter is read from the path. The marker is needed only for a parameter in the path of a mount."""


@dataclass(frozen=True, slots=True)
class Body(Marker):
    """The parameter is read from the body, which must have one of the `media_types`."""

    media_types: tuple[str, ...] = (JSON,)
    """The accepted values of Content-Type, without their parameters. A request with any other Content-Type gets a
    415."""
    body_limit: int | None = None
    """The limit of the body in bytes; None for the limit of the route or of the engine."""

    def __post_init__(self) -> None:
        """Raises HandlerError (RW214) for a wrong option, such as a str instead of a tuple."""
        Marker.__post_init__(self)
        types: Any = self.media_types
        if isinstance(types, str) or not all(isinstance(each, str) for each in types):
            what = f"Body has the invalid value media_types={shown(types)}."
            raise HandlerError("RW214", what, 'Give a tuple, such as ("application/octet-stream",).')
        if not types:
            raise HandlerError("RW214", "Body has no media type, so it would refuse every body.", "Name at least one.")
        limit = self.body_limit
        if not (limit is None or (is_int(limit) and limit >= 0)):
            raise HandlerError(
                "RW214", f"Body has the invalid value body_limit={shown(limit)}.", "Give a number of bytes, 0 or more."
            )


@dataclass(frozen=True, slots=True)
class Form(Marker):
    """The parameter is read from a form in the body. A type with fields, such as a Struct, takes one field of the form
    for each of its fields."""

    limits: FormLimits | None = None
    """The limits of the form; None for the default limits. Parameters of one handler share them."""
    messages: Callable[[str, str, Any], str | None] | None = None
    """A function that returns your own sentences for `Submitted`. It gets the name of the field, the name of the rule
    and its limit. It returns a sentence, or None for the default sentence."""

    def __post_init__(self) -> None:
        """Raises HandlerError (RW214) for limits or messages of another type."""
        Marker.__post_init__(self)
        limits: Any = self.limits
        if not isinstance(limits, FormLimits | None):
            what = f"Form has limits={shown(limits)}."
            raise HandlerError("RW214", what, "Give `limits=FormLimits(...)` of ropewalk.forms.")
        messages: Any = self.messages
        if messages is not None and not callable(messages):
            what = f"Form has messages={shown(self.messages)}."
            raise HandlerError("RW214", what, "Give a function of the field, the rule and its limit.")


@dataclass(frozen=True, slots=True)
class Computed(Marker):
    """The parameter is computed from the whole request. This is the base class of markers that other features and
    applications define."""

    def compute(self, request: "Request", kind: Any, default: Any) -> Any:
        """Return the argument for a parameter with the type `kind`. This is called before the other inputs are read.
        `default` is `inspect.Parameter.empty` if the parameter has no default. Raise HTTPError to refuse the request.
        """
        raise NotImplementedError
