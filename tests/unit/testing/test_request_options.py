"""The signatures of the clients' methods."""

from collections.abc import Callable
from inspect import signature
from typing import Any, get_type_hints

import pytest

from ropewalk.testing import AsyncClient, Client
from ropewalk.testing.request_options import RequestOptions


@pytest.mark.parametrize("method", [AsyncClient.request, AsyncClient.stream])
def test_the_options_are_the_parameters_of_request(method: Callable[..., Any]) -> None:
    assert list(get_type_hints(RequestOptions)) == list(signature(method).parameters)[3:]


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("name", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_each_method_shows_its_options(client: type, name: str) -> None:
    assert "RequestOptions" in str(signature(getattr(client, name)).parameters["options"].annotation)
