"""Fixtures for the tests of mounted resources."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import twisted.internet
from tests.unit.dropin.mounts import Served, mount, pass_on
from tests.unit.dropin.world import world

from ropewalk import App
from ropewalk.testing import Client


@pytest.fixture(params=["bare", "within middleware"])
def fetch(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a function that requests a mounted resource without and with middleware. Both responses must be equal."""

    def fetch(thing: Any, method: str = "GET", path: str = "/legacy", **options: Any) -> Any:
        app = mount(thing)
        if request.param != "bare":
            app.middleware(pass_on)
        return Client(app).request(method, path, **options)

    return fetch


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[App], Served]]:
    """Serves an app on a reactor that is the global one during the test."""
    with world() as made, ExitStack() as stack:
        monkeypatch.setattr(twisted.internet, "reactor", made.reactor, raising=False)
        yield lambda app: stack.enter_context(closing(Served(made, app)))
