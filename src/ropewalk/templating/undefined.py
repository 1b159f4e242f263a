"""The value of an undefined name. Any use of it raises an error that says which name it is."""

from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import StrictUndefined


@cache
def strict_undefined() -> "type[StrictUndefined]":
    """The class of undefined values. It is made when Jinja, which is optional, is needed.

    A use of an undefined value raises Jinja's UndefinedError. The error has the `name`, and for an attribute or key
    also the `owner`: the object that lacks it. `is defined` and `|default` are allowed.
    """
    from jinja2 import StrictUndefined, UndefinedError
    from jinja2.utils import missing

    def undefined_name(message: str | None = None, *, name: str | None, owner: Any) -> UndefinedError:
        error: Any = UndefinedError(message)
        error.name = name
        error.owner = owner
        return error  # type: ignore[no-any-return] # it is Any, so that attributes can be added to it

    class Strict(StrictUndefined):
        __slots__ = ()

        def __init__(
            self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = UndefinedError
        ) -> None:
            if exc is UndefinedError and hint is None:
                exc = partial(undefined_name, name=name, owner=None if obj is missing else obj)
            super().__init__(hint, obj, name, exc)

    return Strict
