"""Find, check and open app-scoped providers when an app starts, and close them when the app stops."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from typing import Any

from ropewalk.resource import handlers_below
from ropewalk.typed.dependent_functions import DependentFunction, dependents_around
from ropewalk.typed.depends import Dependencies, Opened, Provider, layers_of, replacement
from ropewalk.typed.generators import close_async_generator, close_generator, open_async_generator, open_generator
from ropewalk.typed.provider_steps import AppProviders, app_inputs, kind_of, provided
from ropewalk.waiting import must_wait

Close = Callable[[], Any]
Needed = dict[Provider, tuple[str, tuple[Dependencies, ...]]]
"""Maps each app-scoped provider to its name, and to the `Dependencies` of the app that uses it and of all enclosing
apps, outermost first. The providers are opened in the order of this mapping."""


def app_scoped_below(root: Any) -> Needed:
    """The app-scoped providers of a served App and of the apps mounted in it.

    Raises HandlerError (RW214, RW216, RW217, RW218) for a dependency of a handler that cannot be provided.
    """
    needed: Needed = {}
    bound: set[Any] = set()
    _add_dependents(needed, bound, dependents_around((root,), ()))
    for app in root.family():
        layers = layers_of((root,) if app is root else (root, app))
        of_app = AppProviders(layers)
        for name, depends in app.dependencies.named.items():
            if depends.scope == "app":
                of_app.add(depends.provider, name)
        needed.update({provider: (name, layers) for provider, name in of_app.found.items() if provider not in needed})
    for handler, apps in handlers_below(root.resource):
        _add_dependents(needed, bound, dependents_around(apps, handler.middleware))
        if handler.plan is not None and handler.plan.bind is not None:
            layers = layers_of(apps)
            _add(needed, handler.plan.bind(layers).of_app, layers)
    return needed


def _add_dependents(needed: Needed, bound: set[Any], found: Iterable[tuple[DependentFunction, Any]]) -> None:
    """Add the app-scoped providers that functions of middleware need. `bound` has the functions whose providers were
    already added."""
    for dependent, apps in found:
        if (dependent, apps) not in bound:
            bound.add((dependent, apps))
            layers = layers_of(apps)
            _add(needed, dependent.bind(layers).of_app.found, layers)


def _add(needed: Needed, found: Mapping[Provider, str], layers: tuple[Dependencies, ...]) -> None:
    for provider, name in found.items():
        needed.setdefault(provider, (name, layers))


async def open_provider(provider: Provider, name: str, layers: tuple[Dependencies, ...], closes: list[Close]) -> Any:
    """Open an app-scoped provider and the providers that it needs, unless it is already open. Return the provider's
    value.

    The functions that close the providers are appended to `closes`.
    """
    opened = layers[0].opened
    if provider in opened:
        return opened[provider].value
    called = replacement(provider, name, layers)
    arguments = {}
    for each in app_inputs(called):
        depends = provided(each, called, layers, {})
        if depends is not None:
            needed: Any = depends.provider
            arguments[each.parameter] = await open_provider(needed, each.name, layers, closes)
    value = called(**arguments)
    kind = kind_of(called)
    if kind == "generator":
        value = _open(value, called, closes)
    elif kind == "async generator":
        value = await _open_async(value, called, closes)
    elif must_wait(value):
        value = await value
    opened[provider] = Opened(value, called)
    return value


def _open(generator: Generator[Any, Any, Any], provider: Provider, closes: list[Close]) -> Any:
    def close() -> None:
        _raise(close_generator(generator, provider, None))

    value = open_generator(generator, provider)
    close.__wrapped__ = provider  # type: ignore[attr-defined] # so that messages name the provider
    closes.append(close)
    return value


async def _open_async(generator: AsyncGenerator[Any, Any], provider: Provider, closes: list[Close]) -> Any:
    async def close() -> None:
        _raise(await close_async_generator(generator, provider, None))

    value = await open_async_generator(generator, provider)
    close.__wrapped__ = provider  # type: ignore[attr-defined] # as above
    closes.append(close)
    return value


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error
