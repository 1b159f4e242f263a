"""The keyword arguments of `request` and of the methods that call it. Editors and type checkers show them."""

from collections.abc import Mapping
from typing import Any, TypedDict

from ropewalk.headers import Fields
from ropewalk.testing.request_bodies import Body, Files
from ropewalk.testing.targets import Parameters
from ropewalk.testing.timeouts import Default


class RequestOptions(TypedDict, total=False):
    """The options of a test client's request. All are optional; `AsyncClient.request` describes them."""

    params: Parameters | str | None
    query: Parameters | None
    headers: Fields
    cookies: Mapping[str, str] | None
    body: Body | None
    json: Any
    data: Parameters | None
    files: Files | None
    auth: tuple[str, str] | None
    follow_redirects: bool | None
    timeout: float | Default | None
