"""Make the readers of a handler's inputs, for each part of the request."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Protocol

from ropewalk.request import Request
from ropewalk.typed.bodies import JSONBody, RawBody
from ropewalk.typed.form_readers import SubmittedForm, WholeForm
from ropewalk.typed.markers import Computed
from ropewalk.typed.named_values import NamedValues, WholeValues
from ropewalk.typed.parameter_sources import Input, is_form_data, takes_all
from ropewalk.typed.patches.body import PatchBody
from ropewalk.typed.patches.kinds import patch_kinds
from ropewalk.typed.pydantic_models import PydanticBody, PydanticValues, is_model
from ropewalk.typed.submitted import form_kind, is_submitted
from ropewalk.typed.type_parts import parts_of
from ropewalk.typed.unprocessable_content import FieldError, Location


class Reader(Protocol):
    """The interface of a reader. It reads the inputs that come from one part of a request."""

    def read(self, request: Request) -> dict[str, Any]:
        """Return the arguments by the names of the function's parameters.

        Raises ValidationError for the first invalid value, and HTTPError if the part of the request cannot be read at
        all.
        """

    def errors(self, request: Request) -> list[FieldError]:
        """List every error in this part of the request; empty if it is valid. Raises HTTPError like `read`."""


class ComputedValue:
    """Reads an input whose value a Computed marker computes."""

    def __init__(self, value: Input) -> None:
        assert isinstance(value.marker, Computed)
        self._parameter = value.parameter
        self._kind = value.kind
        self._default = value.default
        self._compute = value.marker.compute

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises the errors of the marker."""
        return {self._parameter: self._compute(request, self._kind, self._default)}

    def errors(self, request: Request) -> list[FieldError]:
        """Return an empty list, because the marker has already computed its value when errors are listed."""
        del request
        return []


_IN_ORDER: Final[tuple[Location, ...]] = ("path", "query", "header", "cookie", "form")


def readers_for(inputs: Sequence[Input]) -> tuple[Reader, ...]:
    """Make the readers of a handler's inputs. Handlers that share Inputs also share the readers."""
    sources = [each.source for each in inputs]
    readers: list[Reader] = []
    if "computed" in sources:
        readers += [ComputedValue(each) for each in inputs if each.source == "computed"]
    for location in _IN_ORDER:
        if location in sources:
            readers += _readers_of_location(location, tuple([each for each in inputs if each.source == location]))
    if "body" in sources:
        readers += [_body_reader(each) for each in inputs if each.source == "body"]
    return tuple(readers)


@lru_cache(maxsize=1024)
def _readers_of_location(location: Location, inputs: tuple[Input, ...]) -> tuple[Reader, ...]:
    special: list[Reader] = []
    if location == "form":
        special = [WholeForm(each) for each in inputs if is_form_data(each.kind)]
        special += [_submitted(each) for each in inputs if is_submitted(each.kind)]
        inputs = tuple([each for each in inputs if not (is_form_data(each.kind) or is_submitted(each.kind))])
    models = [each for each in inputs if is_model(each.kind)]
    whole = [each for each in inputs if each not in models and takes_all(each.kind)]
    single = [each for each in inputs if each not in models and each not in whole]
    readers: list[Reader] = [PydanticValues(location, each) for each in models]
    readers += [WholeValues(location, each) for each in whole]
    if single:
        readers.append(NamedValues(location, single))
    return (*special, *readers)


def _submitted(form: Input) -> Reader:
    of_model = replace(form, kind=form_kind(form.kind))
    values = PydanticValues("form", of_model) if is_model(of_model.kind) else WholeValues("form", of_model)
    return SubmittedForm(form, values)


def _body_reader(body: Input) -> Reader:
    if patch_kinds(body.kind):
        return PatchBody(body)  # not shared, because it checks whether its library is installed
    return _reader_of_body(body)


@lru_cache(maxsize=1024)
def _reader_of_body(body: Input) -> Reader:
    if body.kind in (bytes, str):
        return RawBody(body)
    return PydanticBody(body) if parts_of(body.kind).has_model else JSONBody(body)
