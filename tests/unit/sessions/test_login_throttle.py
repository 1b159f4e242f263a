"""`LoginThrottle`: how many attempts to log in are allowed."""

from typing import Any
from urllib.parse import quote

import pytest

from ropewalk import App, Request
from ropewalk.errors import HandlerError
from ropewalk.middleware import RateLimit
from ropewalk.sessions import LoginThrottle, LoginThrottleOptions
from ropewalk.stores import Bucket, StoreUnavailable, Taken
from ropewalk.testing import Client


class TestThrottle:
    def app(self, options: LoginThrottleOptions | None = None) -> Client:
        app = App()
        throttle = LoginThrottle(options)

        @app.post("/{name}")
        async def log_in(request: Request, name: str) -> str:
            await throttle.take(request, name)
            return "checked"

        return Client(app)

    def test_one_client_guesses_one_password(self) -> None:
        client = self.app()
        assert [client.post("/ada").status for _ in range(6)] == [200] * 5 + [429]
        refused = client.post("/ADA")
        assert refused.status == 429
        assert refused.headers["retry-after"] == "90"
        assert refused.json()["detail"] == "There were too many attempts to log in."
        assert client.post("/bob").status == 200
        client.advance(90)
        assert client.post("/ada").status == 200
        assert client.post("/ada").status == 429

    @pytest.mark.parametrize(
        "name",
        ["ADÉ", " adé", "a d é", "ade", "ade\u0301", "\uff41d\u00e9", "a\u200bdé", "adé\u00a0", "adé" + " " * 600],
    )
    def test_other_forms_of_a_name_give_no_more_attempts(self, name: str) -> None:
        client = self.app()
        for _ in range(5):
            client.post(f"/{quote('adé')}")
        assert client.post(f"/{quote(name)}").status == 429

    @pytest.mark.parametrize("name", ["ada", "ad", "adef", "\u0430d\u0435", "a-d-e"])
    def test_other_names(self, name: str) -> None:
        client = self.app()
        for _ in range(5):
            client.post("/ade")
        assert client.post(f"/{quote(name)}").status == 200

    def test_one_client_tries_many_users(self) -> None:
        client = self.app()
        assert [client.post(f"/user{number}").status for number in range(31)] == [200] * 30 + [429]

    def test_many_clients_guess_one_password(self) -> None:
        throttle = LoginThrottle()
        app = App()

        @app.post("/")
        async def log_in(request: Request) -> str:
            await throttle.take(request, "ada")
            return "checked"

        found = [Client(app, address=(f"192.0.2.{number}", 1)).post("/").status for number in range(21)]
        assert found == [200] * 20 + [429]

    @pytest.mark.parametrize(("policy", "status"), [("closed", 503), ("open", 200)])
    def test_an_unavailable_store(self, policy: Any, status: int) -> None:
        class Broken:
            async def take(self, buckets: Any) -> Taken:
                assert all(isinstance(each, Bucket) for each in buckets)
                raise StoreUnavailable("It is gone.")

        assert self.app(LoginThrottleOptions(store=Broken(), on_store_failure=policy)).post("/ada").status == status

    def test_a_name_that_is_missing(self) -> None:
        app = App()

        @app.post("/")
        async def log_in(request: Request) -> None:
            await LoginThrottle().take(request, (await request.form()).get("name"))  # type: ignore[arg-type]

        with pytest.raises(HandlerError, match="RW257 .*NoneType as the name of the user"):
            Client(app).post("/")

    def test_wrong_options(self) -> None:
        with pytest.raises(HandlerError, match="RW230"):
            LoginThrottleOptions(per_user=5)  # type: ignore[arg-type]
        with pytest.raises(HandlerError, match="RW231"):
            LoginThrottleOptions(per_user=RateLimit(1, 1, name="client"))
        with pytest.raises(HandlerError, match="RW232"):
            LoginThrottle(5)  # type: ignore[arg-type]
