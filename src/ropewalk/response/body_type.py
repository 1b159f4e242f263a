"""`Value`: the type variable of `Response[Value]`, the type of the body."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # Python 3.11's TypeVar has no `default`

    Value = TypeVar("Value", default=Any, covariant=True)
else:
    from typing import TypeVar

    Value = TypeVar("Value", covariant=True)
