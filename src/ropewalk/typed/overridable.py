"""Find out whether `App.override` has an effect: a handler must need the replaced provider, or take a value for the
replaced name."""

from collections.abc import Iterator
from typing import Any

from ropewalk.errors import HandlerError, named
from ropewalk.resource import handlers_below
from ropewalk.suggest import did_you_mean
from ropewalk.typed.dependent_functions import dependents_around
from ropewalk.typed.depends import Dependencies, Depends, Provider, layers_of
from ropewalk.typed.provider_steps import Asked

_MOST_LISTED = 5


def overriding_nothing(root: Any, replaced: Provider | str) -> HandlerError | None:
    """Return the error (RW218) for an override without effect in an App and the apps mounted in it, or else None.

    Also return None if the effect cannot be known, because an outer app may register the function as a provider.
    """
    names: set[str] = set()
    providers: dict[Provider, None] = {}
    for name, provider in _asked_below(root):
        if replaced in (name, provider):
            return None
        if provider is None and not isinstance(replaced, str):
            return None
        names.add(name)
        if provider is not None:
            providers[provider] = None
    if isinstance(replaced, str):
        what = f"override({replaced!r}): no handler takes this name, and nothing provides it."
        return HandlerError("RW218", what, did_you_mean(replaced, names).lstrip() or _choice(sorted(map(repr, names))))
    what = f"override({named(replaced)}): no handler needs this provider."
    return HandlerError("RW218", what, _choice([named(each) for each in providers]))


def _choice(known: list[str]) -> str:
    if not known:
        return "This app has no dependencies: add its routes first."
    more = ", ..." if len(known) > _MOST_LISTED else ""
    return f"It can replace {', '.join(known[:_MOST_LISTED])}{more}."


def _asked_below(root: Any) -> Iterator[Asked]:
    """Yield the dependencies that handlers and providers name, with and without the overrides that are in effect."""
    for app in root.family():
        for name, depends in app.dependencies.named.items():
            yield _asked(name, depends)
    bound: set[Any] = set()
    for handler, apps in handlers_below(root.resource):
        for dependent, around in dependents_around(apps, handler.middleware):
            if (dependent, around) in bound:
                continue
            bound.add((dependent, around))
            for each in layers_of(around):
                yield from (_asked(name, depends) for name, depends in each.named.items())
            yield from dependent.bind(tuple(map(_without_overrides, layers_of(around))), complete=False).asked
        if handler.plan is not None and handler.plan.bind is not None:
            layers = layers_of(apps)
            for each in layers:
                yield from (_asked(name, depends) for name, depends in each.named.items())
            for around in (layers, tuple(map(_without_overrides, layers))):
                try:
                    yield from handler.plan.bind(around, complete=False).asked
                except HandlerError:  # the override may correct this error
                    yield "", None


def _asked(name: str, depends: Depends) -> Asked:
    return name, depends.provider if callable(depends.provider) else None


def _without_overrides(layer: Dependencies) -> Dependencies:
    plain = Dependencies()
    plain.named, plain.opened = layer.named, layer.opened
    return plain
