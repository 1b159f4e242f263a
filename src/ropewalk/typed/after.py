"""`After`: the annotation with which a typed handler takes `request.after`, without the request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, Protocol

from ropewalk.request import Request
from ropewalk.typed.markers import Computed

Arguments = ParamSpec("Arguments")


class _AfterFunction(Protocol):
    """`Request.after`."""

    def __call__(
        self, function: Callable[Arguments, Any], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class _AfterMarker(Computed):
    """Gives a handler the method of its request."""

    def compute(self, request: Request, kind: Any, default: Any) -> Any:
        """`request.after`."""
        del kind, default
        return request.after


After = Annotated[_AfterFunction, _AfterMarker()]
"""What calls functions after the response: `def book(new: NewBooking, after: After)`, then `after(send_mail, new)`."""
