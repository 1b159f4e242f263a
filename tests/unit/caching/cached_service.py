"""An app with a cached handler that counts its calls, on a clock that tests advance."""

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock

from ropewalk import App, Request
from ropewalk.caching import Cache, CacheOptions
from ropewalk.testing import Client, ClientResponse

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Service:
    """An app with a cache around it. `respond` makes the response; by default, it is the number of the call."""

    def __init__(
        self,
        respond: Callable[[Request], Any] | None = None,
        seconds: float | None = 60,
        *,
        at: Any = None,
        **rules: Any,
    ) -> None:
        self.calls = 0
        self.clock = Clock()
        self.cache = Cache(CacheOptions() if at is None else at)
        self.app = App(middleware=[self.cache(seconds, **rules)])
        for path in ("/", "/rooms", "/rooms/{name}"):
            self.app.route(path, methods=METHODS)(self._handle)
        self._respond = respond or (lambda request: f"call {self.calls}")
        self.client = Client(self.app, raise_errors=False, clock=self.clock)

    def _handle(self, request: Request, **_: str) -> Any:
        self.calls += 1
        return self._respond(request)

    def get(self, path: str = "/", **headers: str) -> ClientResponse:
        return self.request("GET", path, **headers)

    def request(self, method: str, path: str = "/", **headers: str) -> ClientResponse:
        return self.client.request(
            method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    def is_stored(self, path: str = "/", **headers: str) -> bool:
        """Whether two requests call the handler only once."""
        before = self.calls
        self.get(path, **headers)
        self.get(path, **headers)
        return self.calls == before + 1
