"""`After`: the annotation for a parameter that takes `request.after`, so that a typed handler need not take the
request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, Protocol

from ropewalk.request import Request
from ropewalk.typed.markers import Computed

Arguments = ParamSpec("Arguments")


class _AfterFunction(Protocol):
    """The type of the function `Request.after`."""

    def __call__(
        self, function: Callable[Arguments, Any], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class _AfterMarker(Computed):
    """The marker for a parameter that takes `request.after`."""

    def compute(self, request: Request, kind: Any, default: Any) -> Any:
        """Return `request.after`."""
        del kind, default
        return request.after


After = Annotated[_AfterFunction, _AfterMarker()]
"""The annotation for a parameter that takes a function like `Request.after`, which calls other functions after the
response: `def book(new: NewBooking, after: After)`, then `after(send_mail, new)`."""
