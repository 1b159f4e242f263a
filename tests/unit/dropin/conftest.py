"""What the tests of mounted resources share."""

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
def answer(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Asks a resource for an answer: nothing of it depends on whether there is middleware."""

    def ask(thing: Any, method: str = "GET", path: str = "/legacy", **options: Any) -> Any:
        app = mount(thing)
        if request.param != "bare":
            app.middleware(pass_on)
        return Client(app).request(method, path, **options)

    return ask


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[App], Served]]:
    """Serves an app on a reactor of the test's own, which is everybody's meanwhile."""
    with world() as made, ExitStack() as stack:
        monkeypatch.setattr(twisted.internet, "reactor", made.reactor, raising=False)
        yield lambda app: stack.enter_context(closing(Served(made, app)))
