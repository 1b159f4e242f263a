"""`ASGIOptions`: the mode of the lifespan, and the limit for a request's body."""

from dataclasses import dataclass
from typing import get_args

from ropewalk.asgi.lifespan import Mode
from ropewalk.errors import KnownOptions, OptionError, shown
from ropewalk.resource import BODY_LIMIT, check_body_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ASGIOptions(KnownOptions):
    """Options for an ASGI application. Raises HandlerError (RW271) for invalid options."""

    lifespan: Mode = "auto"
    """The mode of the lifespan. "auto" runs it if the application has one, "on" requires one, "off" runs none."""
    body_limit: int | None = BODY_LIMIT
    """The maximum size in bytes of a request's body. A request with a larger body gets a 413. None stands for the
    engine's limit. The default is large, because applications receive a body in parts."""

    def __post_init__(self) -> None:
        if self.lifespan not in get_args(Mode):
            modes = " or ".join(map(repr, get_args(Mode)))
            raise OptionError(
                "RW271", f"ASGIOptions has the invalid value lifespan={shown(self.lifespan)}.", f"Give {modes}."
            )
        check_body_limit("ASGIOptions", self.body_limit)
