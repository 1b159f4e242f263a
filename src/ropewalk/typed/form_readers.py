"""Readers of whole forms, and the function that parses the form before they read it."""

from collections.abc import Callable, Collection
from typing import Any, Protocol

from msgspec import ValidationError
from twisted.python.failure import Failure

from ropewalk.forms import DEFAULT_LIMITS, FormData, FormLimits
from ropewalk.request import Request
from ropewalk.typed.markers import Form
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.submitted import FormErrors, Submitted, form_kind
from ropewalk.typed.unprocessable_content import FieldError
from ropewalk.waiting import Waiter, must_wait


class _Values(Protocol):
    def read(self, request: Request) -> dict[str, Any]: ...
    def errors(self, request: Request) -> list[FieldError]: ...


class WholeForm:
    """Reads an input that is the FormData itself."""

    def __init__(self, taker: Input) -> None:
        self._parameter = taker.parameter

    def read(self, request: Request) -> dict[str, Any]:
        """Return the argument by its name."""
        return {self._parameter: _parsed(request)}

    def errors(self, request: Request) -> list[FieldError]:
        """Return an empty list, because every form is valid."""
        del request
        return []


class SubmittedForm:
    """Reads an input of the type `Submitted`: a form with its errors. `values` reads the model."""

    def __init__(self, taker: Input, values: _Values) -> None:
        self._parameter = taker.parameter
        self._values = values
        self._kind = form_kind(taker.kind)
        self._messages = taker.marker.messages if isinstance(taker.marker, Form) else None

    def read(self, request: Request) -> dict[str, Any]:
        """Return the argument by its name."""
        form = _parsed(request)
        made: Submitted[Any]
        try:
            made = Submitted(self._values.read(request)[self._parameter], FormErrors(), form)
        except ValidationError:
            made = Submitted(None, FormErrors(self._values.errors(request), self._kind, self._messages), form)
        return {self._parameter: made}

    def errors(self, request: Request) -> list[FieldError]:
        """Return an empty list, because the handler gets the errors."""
        del request
        return []


def form_limits(inputs: Collection[Input]) -> FormLimits | None:
    """The limits of the form that a handler takes; None if it takes none."""
    markers = [each.marker for each in inputs if isinstance(each.marker, Form)]
    given = [each.limits for each in markers if each.limits is not None]
    return (given or [DEFAULT_LIMITS])[0] if markers else None


def parsing_form(inputs: Collection[Input], call: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Return a function that parses the form, and then calls a handler. It is `call` if no input comes from a form."""
    limits = form_limits(inputs)
    if limits is None:
        return call

    def parse_and_call(request: Request) -> Any:
        waiter = request.form(limits)
        if not waiter.called:
            return call_later(waiter, request)
        result: Any = waiter.result
        if isinstance(result, Failure):
            waiter.addErrback(lambda _: None)  # the next line raises it
            result.raiseException()
        return call(request)

    async def call_later(waiter: Waiter[FormData], request: Request) -> Any:
        await waiter
        value = call(request)
        return await value if must_wait(value) else value

    return parse_and_call


def _parsed(request: Request) -> FormData:
    form = request.kept_form
    assert form is not None, "the form is parsed before it is read"
    return form
