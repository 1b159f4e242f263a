"""Call a handler with the values of its providers.

First, all inputs of the handler and of its providers are read, so that one response lists all errors. Then the
providers are called, and finally the handler. The call is synchronous, unless a provider or the handler returns a
Deferred or a coroutine.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import ValidationError

from ropewalk.request import Request
from ropewalk.typed.dependency_cleanup import OpenGenerators
from ropewalk.typed.functions import TypedFunction
from ropewalk.typed.provider_steps import Step
from ropewalk.typed.unprocessable_content import MOST, InvalidInput
from ropewalk.typed.value_shapes import Shape
from ropewalk.waiting import must_wait

Known = dict[Any, Any] | None
"""The values of providers that functions of one request share, by `Step.key`; None if nothing is shared."""


def needs_scope(steps: list[Step]) -> bool:
    """Whether a provider is a generator, which must be closed."""
    return any(step.kind != "plain" for step in steps)


def call_with_dependencies(steps: list[Step], handler: TypedFunction) -> Callable[[Request], Any]:
    """Return a function that takes a request, calls the providers and the handler, and returns the handler's result."""
    return Calls(tuple(steps), handler, None).call


def call_in_scope(steps: list[Step], handler: TypedFunction, finish: Shape | None) -> Callable[[Request], Any]:
    """Like `call_with_dependencies`, for providers that are generators. `finish` converts the handler's result before
    the generators are closed."""
    return Calls(tuple(steps), handler, finish).call_in_scope


class Calls:
    """Calls the providers and the handler of one route."""

    def __init__(self, steps: tuple[Step, ...], handler: TypedFunction, finish: Shape | None) -> None:
        self._steps = steps
        self._handler = handler
        self._finish = finish
        self._functions = (*(step.typed for step in steps), handler)

    def call(self, request: Request) -> Any:
        """Call the providers and the handler. Use this only if no provider is a generator."""
        shared = getattr(request, "dependency_scope", None)
        known = None if shared is None else shared.values
        return self._call(request, self._read(request), None, known)

    def call_shared(self, request: Request, scope: OpenGenerators) -> Any:
        """Call the providers and the function. Other functions of the request share `scope`, and with it the values of
        providers."""
        return self._call(request, self._read(request), scope, scope.values)

    def call_in_scope(self, request: Request) -> Any:
        """Call the providers and the handler. Generators are closed after the handler, or after the response."""
        given = self._read(request)
        opened = OpenGenerators.of_handler(request, self._finish)
        try:
            value = self._call(request, given, opened, opened.values)
        except BaseException as error:
            raised = opened.end_failed(error)
            if raised is error:
                raise
        else:
            return opened.watch(value)
        try:
            raise raised  # outside of `except`, so that the handler's error does not become its context
        finally:
            del raised

    def _read(self, request: Request) -> list[dict[str, Any]]:
        try:
            return [each.read(request) for each in self._functions]
        except ValidationError:
            found = [error for each in self._functions for reader in each.readers for error in reader.errors(request)]
            raise InvalidInput(list(dict.fromkeys(found))[:MOST]) from None

    def _call(self, request: Request, given: list[dict[str, Any]], opened: OpenGenerators | None, known: Known) -> Any:
        values: list[Any] = []
        for step, arguments in zip(self._steps, given, strict=False):
            if known and step.key in known:
                values.append(known[step.key])
                continue
            value = step.typed.call(request, arguments, values)
            if step.kind != "plain":
                assert opened is not None
                if step.kind == "async generator":
                    opening = opened.open_async(value, step.typed.function, of_handler=step.of_handler)
                    return self._call_rest(request, given, opened, known, values, opening)
                value = opened.open(value, step.typed.function, of_handler=step.of_handler)
            elif must_wait(value):
                return self._call_rest(request, given, opened, known, values, value)
            values.append(value)
            if known is not None and step.key is not None:
                known[step.key] = value
        return self._handler.call(request, given[-1], values)

    async def _call_rest(
        self,
        request: Request,
        given: list[dict[str, Any]],
        opened: OpenGenerators | None,
        known: Known,
        values: list[Any],
        awaited: Awaitable[Any],
    ) -> Any:
        self._keep(await awaited, values, known)
        for index in range(len(values), len(self._steps)):
            typed, kind, of_handler, key = self._steps[index]
            if known and key in known:
                values.append(known[key])
                continue
            value = typed.call(request, given[index], values)
            if kind == "plain":
                value = await value if must_wait(value) else value
            elif kind == "generator":
                assert opened is not None
                value = opened.open(value, typed.function, of_handler=of_handler)
            else:
                assert opened is not None
                value = await opened.open_async(value, typed.function, of_handler=of_handler)
            self._keep(value, values, known)
        value = self._handler.call(request, given[-1], values)
        return await value if must_wait(value) else value

    def _keep(self, value: Any, values: list[Any], known: Known) -> None:
        """Add the value of the next provider to `values`, and to `known` if it is shared."""
        key = self._steps[len(values)].key
        values.append(value)
        if known is not None and key is not None:
            known[key] = value
