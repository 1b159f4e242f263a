"""The signatures of the clients' methods."""

import asyncio
from collections.abc import Callable
from inspect import signature
from typing import Any, get_type_hints

import pytest

from ropewalk import App
from ropewalk.errors import OptionError
from ropewalk.testing import AsyncClient, Client
from ropewalk.testing.request_options import RequestOptions


@pytest.mark.parametrize("method", [AsyncClient.request, AsyncClient.stream])
def test_the_options_are_the_parameters_of_request(method: Callable[..., Any]) -> None:
    assert [*get_type_hints(RequestOptions), "others"] == list(signature(method).parameters)[3:]


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("name", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_each_method_shows_its_options(client: type, name: str) -> None:
    assert "RequestOptions" in str(signature(getattr(client, name)).parameters["options"].annotation)


@pytest.mark.parametrize(
    ("name", "hint"), [("content", "Here it is body"), ("allow_redirects", "Did you mean follow_redirects")]
)
def test_options_of_requests_that_do_not_exist(name: str, hint: str) -> None:
    wrong: dict[str, Any] = {name: True}
    error = rf"RW270 A request .* {name!r} \(.*test_request_options\.py:\d+\)\. {hint}"
    client = Client(App())
    with pytest.raises(OptionError, match=error):
        client.get("/", **wrong)
    with pytest.raises(OptionError, match=error):
        client.stream("GET", "/", **wrong)

    async def call(method: str) -> None:
        await getattr(AsyncClient(App()), method)("GET", "/", **wrong)

    for method in ("request", "stream"):
        with pytest.raises(OptionError, match=error):
            asyncio.run(call(method))


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_options_of_clients_that_do_not_exist(client: Any) -> None:
    error = rf"RW270 {client.__name__} has .*test_request_options\.py:\d+\)\. Here it is raise_errors"
    with pytest.raises(OptionError, match=error):
        client(App(), raise_server_exceptions=False)
