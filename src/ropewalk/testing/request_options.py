"""The keyword arguments of `request` and of the methods that call it. Editors and type checkers show them."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from ropewalk.errors import unknown_option
from ropewalk.headers import Fields
from ropewalk.testing.request_bodies import Body, Files
from ropewalk.testing.timeouts import Default
from ropewalk.url_encoding import Parameters


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


def check_request_options(options: Iterable[str]) -> None:
    """Raises OptionError (RW270) for the name of an option that does not exist."""
    for name in options:
        if name not in RequestOptions.__annotations__:
            raise unknown_option("A request of a test client", name, RequestOptions.__annotations__)
