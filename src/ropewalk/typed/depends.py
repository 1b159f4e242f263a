"""The declaration of dependencies: `Depends`, and the providers and overrides of an app.

def open_session(pool: Annotated[Pool, Depends(open_pool, scope="app")]) -> Iterator[Session]:
    with pool.session() as session:
        yield session

def show(session: Annotated[Session, Depends(open_session)]) -> ...: ...
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from ropewalk.errors import HandlerError, OptionError, describe, named, place, shown

Provider = Callable[..., Any]
DependencyScope = Literal["request", "handler", "app"]
"""How long a dependency stays open. The scopes of OAuth and of ASGI are something else."""


@dataclass(frozen=True, slots=True)
class Depends:
    """A marker for `Annotated`: the parameter takes the value that a provider returns or yields.

    `provider` is the function that provides the value, or a name under which the route, a mount or an app registers
    such a function. None stands for the name of the parameter. A `cached` provider is called once for each request,
    even if several parameters take its value. `scope` determines when a generator is closed. With "request", it is
    closed after the response has been sent. With "handler", it is closed when the handler and the stream that it has
    returned have ended, but before the end of the response is sent, so an exception that the generator then raises
    becomes the response. With "app", the provider is opened when the app starts and closed when it stops. For a name,
    `scope` cannot be given here, because the registration of the name has it. Raises HandlerError (RW218) for any other
    provider or scope.
    """

    provider: Provider | str | None = None
    cached: bool = True
    scope: DependencyScope = "request"

    def __post_init__(self) -> None:
        provider: object = self.provider
        if not (provider is None or isinstance(provider, str) or callable(provider)):
            remedy = "Give the function itself, without a call: `Depends(open_session)`."
            raise OptionError("RW218", f"Depends({shown(self.provider)}) names no function.", remedy)
        if self.scope not in get_args(DependencyScope):
            given: object = self.scope
            meant = "handler" if given == "function" else ""  # the name in FastAPI
            remedy = f'Did you mean scope="{meant}"?' if meant else 'Leave it out for "request", the default.'
            what = f'scope={shown(given)} is none of "request", "handler" and "app".'
            raise OptionError("RW218", what, remedy)
        if self.scope != "request" and not callable(self.provider):
            what = f"Depends has scope={shown(self.scope)} and no function, so the scope would not be used."
            raise OptionError("RW218", what, "Give the scope where the name is registered: `app.provide(..., scope=)`.")


class Opened(NamedTuple):
    """The value of an app-scoped provider."""

    value: Any
    made_by: Provider
    """The provider that made the value: the registered provider, or the provider that replaced it when the app
    started."""


class Dependencies:
    """The providers of one app by name, their replacements, and the open values of its app-scoped providers."""

    def __init__(self) -> None:
        self.named: dict[str, Depends] = {}
        self.overrides: dict[Provider | str, Provider] = {}
        self.opened: dict[Provider, Opened] = {}
        self.of_mounts: dict[int, Mapping[str, Depends]] = {}
        """The providers that the options of `mount` give to a mounted app, by the id of the app."""
        self.bound: dict[Any, Any] = {}
        """A cache of the `Calls` objects and inputs for functions of middleware that take dependencies. It is cleared
        when an app changes."""

    def provide(self, name: str, provider: Any, *, cached: bool = True, scope: DependencyScope = "request") -> None:
        """Register a provider for a name.

        Raises HandlerError (RW218) if the name already has a provider, or if `provider` is not a function.
        """
        if name in self.named:
            both = f"{named(self.named[name].provider)} and {named(provider)}"
            raise HandlerError("RW218", f"{name!r} is provided twice by one app, by {both}.", "Rename one of them.")
        self.named[name] = as_depends(name, provider, cached=cached, scope=scope)

    @contextmanager
    def override(self, provider: Provider | str, with_: Provider) -> Iterator[None]:
        """Call `with_` instead of a provider, or instead of every provider with a name, until the end of the `with`
        block."""
        if not callable(with_):
            raise OptionError("RW218", f"{shown(with_)} cannot replace a provider: it is not a function.")
        former = self.overrides.get(provider)
        self.overrides[provider] = with_
        try:
            yield
        finally:
            if former is None:
                del self.overrides[provider]
            else:
                self.overrides[provider] = former


def as_depends(name: str, provider: Any, *, cached: bool = True, scope: DependencyScope = "request") -> Depends:
    """Return the Depends for a name, from a function or a Depends with a function.

    Raises HandlerError (RW218) for anything else.
    """
    if not name.isidentifier():
        raise OptionError("RW218", f"{name!r} cannot be the name of a parameter, so nothing could take it.")
    depends = provider if isinstance(provider, Depends) else None
    if depends is not None and not (cached and scope == "request"):
        what = f"{name!r} is provided by a Depends, and has options beside it, which would not be used."
        raise OptionError("RW218", what, "Write the options into the Depends.")
    if depends is None and callable(provider):
        depends = Depends(provider, cached=cached, scope=scope)
    if depends is None or not callable(depends.provider):
        raise OptionError("RW218", f"{name!r} is provided by {shown(provider)}, which is not a function.")
    return depends


def all_named(provided: Mapping[str, Any] | None) -> dict[str, Depends]:
    """The providers of a route or a mount, by name. Raises HandlerError (RW218) for a wrong provider."""
    given: object = provided
    if not isinstance(given, Mapping | None):
        raise OptionError(
            "RW218",
            f"A route or a mount has the invalid value provide={shown(given)}.",
            "Give a dict of functions by name.",
        )
    return {name: as_depends(name, each) for name, each in (provided or {}).items()}


def layers_of(apps: tuple[Any, ...]) -> tuple[Dependencies, ...]:
    """The `Dependencies` of apps and of the mounts between them, outermost first."""
    layers: list[Dependencies] = []
    for index, app in enumerate(apps):
        if index:
            of_mount = Dependencies()
            of_mount.named.update(apps[index - 1].dependencies.of_mounts.get(id(app), {}))
            layers.append(of_mount)
        layers.append(app.dependencies)
    return tuple(layers)


def find_provider(name: str, layers: tuple[Dependencies, ...], route: Mapping[str, Depends]) -> Depends | None:
    """The provider for a name: the provider of the route, or else of the innermost app or mount that has one. None if
    there is none."""
    if name in route:
        return route[name]
    return next((layer.named[name] for layer in reversed(layers) if name in layer.named), None)


def replacement(provider: Provider, name: str | None, layers: tuple[Dependencies, ...]) -> Provider:
    """The provider to call for `provider`: the provider that overrides it, or else `provider` itself."""
    for layer in reversed(layers):
        for key in (provider, name):
            if key is not None and key in layer.overrides:
                return layer.overrides[key]
    return provider


def circle(above: list[Provider], provider: Provider) -> HandlerError:
    """The error for a provider that needs itself, through other providers."""
    round_trip = [*above[above.index(provider) :], provider]
    path = " needs ".join(f"{describe(each)} at {place(each)}" for each in round_trip)
    return HandlerError("RW217", f"{path}.")
