"""A typed handler or provider: a function whose inputs are read from a request."""

from collections.abc import Callable, Sequence
from typing import Any

from ropewalk.errors import HandlerError, describe, place
from ropewalk.request import Request
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.readers import Reader, readers_for

Link = tuple[str, int]
"""The name of a parameter, and the position of the provider whose value it takes, in the order of the calls."""


class TypedFunction:
    """A function together with the readers of its inputs and the parameters that take values of providers."""

    def __init__(self, function: Callable[..., Any], inputs: Sequence[Input], links: Sequence[Link] = ()) -> None:
        self.function = function
        self.readers = compiled_readers(function, inputs)
        self.links = tuple(links)
        self._by_position = any(each.by_position for each in inputs)
        self._request_name = next(
            (each.parameter for each in inputs if each.source == "request" and not each.by_position), None
        )

    def read(self, request: Request) -> dict[str, Any]:
        """Read the arguments that come from the request. Raises ValidationError and HTTPError."""
        found: dict[str, Any] = {}
        for reader in self.readers:
            found.update(reader.read(request))
        return found

    def call(self, request: Request, arguments: dict[str, Any], values: list[Any]) -> Any:
        """Call the function with `arguments` and with the values of its providers. `values` has the values of all
        providers that have been called for the request, in the order of the calls.
        """
        for parameter, step in self.links:
            arguments[parameter] = values[step]
        if self._request_name is not None:
            arguments[self._request_name] = request
        if self._by_position:
            return self.function(request, **arguments)
        return self.function(**arguments)


def compiled_readers(function: Callable[..., Any], inputs: Sequence[Input]) -> tuple[Reader, ...]:
    """Make the readers of a function's inputs. Raises HandlerError (RW214, RW261)."""
    try:
        return readers_for(inputs)
    except HandlerError:  # a HandlerError is a TypeError, too, but more precise
        raise
    except (TypeError, NotImplementedError, RuntimeError) as error:
        raise HandlerError("RW214", f"{describe(function)} at {place(function)}: {error}") from error
