"""An app with idempotency keys that counts its calls."""

from collections.abc import Callable
from typing import Any

from tests.unit.middleware.handlers import marking

from ropewalk import App, Request
from ropewalk.middleware import IdempotencyOptions, idempotency
from ropewalk.testing import Client, ClientResponse

KEY = {"idempotency-key": '"8e03978e-40d5"'}


class Service:
    """An app that counts its calls. `respond` makes the response."""

    def __init__(self, respond: Callable[[Request], Any] | None = None, **options: Any) -> None:
        self.calls = 0
        self.app = App(middleware=[marking("outer"), idempotency(IdempotencyOptions(**options))])
        self.app.route("/", methods=["POST", "PATCH", "PUT", "GET"])(self._handle)
        self._respond = respond or (lambda request: {"call": self.calls})
        self.client = Client(self.app, raise_errors=False)

    def _handle(self, request: Request) -> Any:
        self.calls += 1
        return self._respond(request)

    def post(
        self, body: bytes | str = "body", *, path: str = "/", method: str = "POST", **headers: str
    ) -> ClientResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, body=body, headers=KEY | named)
