"""Find the providers that a handler needs, in the order in which they are called."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from ropewalk.errors import HandlerError, named
from ropewalk.suggest import did_you_mean
from ropewalk.typed.depends import Dependencies, DependencyScope, Depends, Provider, circle, find_provider, replacement
from ropewalk.typed.functions import Link, TypedFunction
from ropewalk.typed.parameter_sources import Input, inputs_of

Kind = Literal["plain", "generator", "async generator"]
Asked = tuple[str, Provider | None]
"""The name of a dependency, and its provider, which an override may replace; None if no provider is known."""


class Step(NamedTuple):
    """A call of a provider whose value the handler or a later provider takes."""

    typed: TypedFunction
    kind: Kind
    of_handler: bool = False
    """Whether the provider is a generator that is closed with the handler, before the end of the response is sent."""
    key: tuple[Provider, DependencyScope] | None = None
    """The key of the value among the values that several functions of a request share; None if the value is not
    shared."""


class StepsOfHandler:
    """Collects the calls of providers that one handler needs, called steps. A step comes after the steps whose values
    it takes.

    `layers` are the dependencies of the apps around the handler, outermost first. With `complete`, every dependency
    must have a provider; otherwise, names without a provider are skipped. Raises HandlerError (RW214, RW216, RW217,
    RW218).
    """

    def __init__(
        self,
        function: Callable[..., Any],
        names: Collection[str],
        methods: Collection[str],
        layers: tuple[Dependencies, ...],
        route: Mapping[str, Depends],
        *,
        complete: bool,
    ) -> None:
        self._names = names
        self._methods = methods
        self._layers = layers
        self._route = route
        self._complete = complete
        self._cached: dict[tuple[Provider, DependencyScope], int] = {}
        self._above: list[Provider] = []
        self._ends_early: set[int] = set()
        """The indices of steps whose value is closed with the handler, or needs another value that is."""
        self.inputs: list[Input] = []
        """The inputs of the handler, followed by the inputs of its providers."""
        self.steps: list[Step] = []
        self.provider_takes_request = False
        """Whether a provider takes the request itself."""
        self.asked: set[Asked] = set()
        """The dependencies that the handler and its providers name."""
        self.of_app = AppProviders(layers, complete=complete, asked=self.asked)
        self.handler = self._typed(function)

    def _typed(self, function: Callable[..., Any]) -> TypedFunction:
        inputs = inputs_of(function, self._names, self._methods)
        self.inputs += [each for each in inputs if each.source != "dependency"]
        if self._above and any(each.source == "request" for each in inputs):
            self.provider_takes_request = True
        links: list[Link] = []
        for each in inputs:
            if each.source == "dependency":
                step = self._step(each, function)
                if step is not None:
                    links.append((each.parameter, step))
        return TypedFunction(function, inputs, links)

    def _step(self, wanted: Input, user: Callable[..., Any]) -> int | None:
        """The index of the step whose value a parameter takes; None if the parameter gets its default."""
        depends = provided(wanted, user, self._layers, self._route, complete=self._complete)
        if depends is None:
            self.asked.add((wanted.name, None))
            return None
        provider: Any = depends.provider
        self.asked.add((wanted.name, provider))
        if depends.scope == "app" and not self._replaced_after_start(provider, wanted.name):
            return self._app_step(provider, wanted.name)
        assert wanted.depends is not None
        provider = replacement(provider, wanted.name, self._layers)
        cached = depends.cached and wanted.depends.cached
        if cached and (provider, depends.scope) in self._cached:
            return self._cached[provider, depends.scope]
        if provider in self._above:
            raise circle(self._above, provider)
        self._above.append(provider)
        typed = self._typed(provider)
        self._above.pop()
        key = (provider, depends.scope) if cached and depends.scope == "request" else None
        self._add(Step(typed, kind_of(provider), depends.scope == "handler", key))
        if cached:
            self._cached[provider, depends.scope] = len(self.steps) - 1
        return len(self.steps) - 1

    def _add(self, step: Step) -> None:
        """Add a step. Raises HandlerError (RW218) for a generator that needs a value which is closed before the
        generator."""
        early = [parameter for parameter, needed in step.typed.links if needed in self._ends_early]
        if early and step.kind != "plain" and not step.of_handler:
            who = named(step.typed.function)
            what = f"{who} is closed after the response, and its {early[0]} before the response ends."
            raise HandlerError("RW218", what, 'Give both scope="handler", or neither.')
        if early or (step.of_handler and step.kind != "plain"):
            self._ends_early.add(len(self.steps))
        self.steps.append(step)

    def _app_step(self, provider: Provider, name: str) -> int:
        self.of_app.add(provider, name)
        if (provider, "app") not in self._cached:
            self.steps.append(Step(TypedFunction(partial(opened_value, provider, self._layers), ()), "plain"))
            self._cached[provider, "app"] = len(self.steps) - 1
        return self._cached[provider, "app"]

    def _replaced_after_start(self, provider: Provider, name: str) -> bool:
        """Whether an app-scoped provider has been replaced since it was opened.

        The replacement is then called for each request.
        """
        opened = self._layers[0].opened.get(provider) if self._layers else None
        return opened is not None and replacement(provider, name, self._layers) is not opened.made_by


class AppProviders:
    """Collects app-scoped providers, each after the providers that it needs.

    Raises HandlerError (RW216, RW217, RW218).
    """

    def __init__(
        self, layers: tuple[Dependencies, ...], *, complete: bool = True, asked: set[Asked] | None = None
    ) -> None:
        self._layers = layers
        self._complete = complete
        self._asked = set() if asked is None else asked
        self._above: list[Provider] = []
        self.found: dict[Provider, str] = {}
        """The providers, each with the name under which it is used."""

    def add(self, provider: Provider, name: str) -> None:
        """Add a provider after the providers that it needs."""
        if provider in self.found:
            return
        if provider in self._above:
            raise circle(self._above, provider)
        self._above.append(provider)
        self._asked.add((name, provider))
        called = replacement(provider, name, self._layers)
        for each in app_inputs(called):
            depends = provided(each, called, self._layers, {}, complete=self._complete)
            if depends is None:
                self._asked.add((each.name, None))
                continue
            if depends.scope != "app":
                what = f"{named(called)} lives as long as the app, and its {each.parameter} only as long as a request."
                raise HandlerError("RW218", what, 'Give that scope="app" too.')
            needed: Any = depends.provider
            self.add(needed, each.name)
        self._above.pop()
        self.found[provider] = name


def provided(
    wanted: Input,
    user: Callable[..., Any],
    layers: tuple[Dependencies, ...],
    route: Mapping[str, Depends],
    *,
    complete: bool = True,
) -> Depends | None:
    """The provider of a parameter; None if the parameter gets its default.

    Raises HandlerError (RW216) if there is neither a provider nor a default.
    """
    assert wanted.depends is not None
    if callable(wanted.depends.provider):
        return wanted.depends
    found = find_provider(wanted.name, layers, route)
    if found is None and complete and wanted.required:
        known = {name for layer in layers for name in layer.named} | set(route)
        remedy = did_you_mean(wanted.name, known).lstrip()
        raise HandlerError("RW216", f"Nothing provides {wanted.name!r}, which {named(user)} needs.", remedy or None)
    return found


def app_inputs(provider: Provider) -> Sequence[Input]:
    """The inputs of an app-scoped provider. Raises HandlerError (RW218) if an input comes from a request."""
    inputs = inputs_of(provider, (), ("POST",))
    for each in inputs:
        if each.source != "dependency":
            what = f"{named(provider)} lives as long as the app, and its {each.parameter} comes from a request."
            raise HandlerError("RW218", what)
    return inputs


def opened_value(provider: Provider, layers: tuple[Dependencies, ...]) -> Any:
    """The value of an app-scoped provider. Raises HandlerError (RW218) if it is not open."""
    opened = layers[0].opened.get(provider) if layers else None
    if opened is None:
        what = f"{named(provider)} is not open: it opens when the app starts."
        raise HandlerError("RW218", what, "In a test, start the app: `with Client(app) as client:`.")
    return opened.value


def kind_of(provider: Provider) -> Kind:
    """Whether a provider is a generator function, an async generator function, or a plain function."""
    function: Any = provider
    while isinstance(function, partial):
        function = function.func
    for each in (function, type(function).__call__):
        if inspect.isgeneratorfunction(each):
            return "generator"
        if inspect.isasyncgenfunction(each):
            return "async generator"
    return "plain"


def readable(inputs: Sequence[Input]) -> tuple[Input, ...]:
    """The inputs, without each input that reads the same value as an earlier input. Computed values have no name, so
    each of them is kept."""
    found = {(each.source, each.name): each for each in reversed(inputs)}
    return tuple(each for each in inputs if each.source == "computed" or found[each.source, each.name] is each)
