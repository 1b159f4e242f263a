"""Options that do not exist are errors with a code, the place in the user's code, and the option that was meant."""

from collections.abc import Callable
from typing import Any

import pytest

from ropewalk import App, Query, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import CORSOptions

HERE = r"tests/unit/errors/test_known_options\.py:\d+"
APP: Any = App
QUERY: Any = Query
RESPONSE: Any = Response("x")
CORS: Any = CORSOptions


@pytest.mark.parametrize(
    ("call", "what", "remedy"),
    [
        (lambda: APP().get("/", status_code=201), "'status_code'", r"Here it is status\."),
        (lambda: APP().get("/", response_model=int), "'response_model'", "Here the return annotation"),
        (lambda: APP().get("/", statsu=1), "'statsu'", r"Did you mean status\?"),
        (lambda: CORS(allow_origins=["*"]), "CORSOptions has no option 'allow_origins'", r"Here it is origins\."),
        (lambda: CORS(origin=["*"]), "CORSOptions has no option 'origin'", r"Did you mean origins\?"),
        (lambda: CORS(["*"]), "CORSOptions takes its options by name", r"Write CORSOptions\(origins=\.\.\.\)\."),
        (lambda: QUERY(ge=1), "Query has no option 'ge'", "Here it is a Meta of msgspec"),
        (lambda: APP(title="x"), "App has no option 'title'", r"Here it is openapi=OpenAPI\(title"),
        (lambda: APP(xyz="x"), "App has no option 'xyz'", "The options are compression, debug, error_format,"),
        (lambda: RESPONSE.set_cookie("a", "b", samesite="lax"), "set_cookie has no", r"Here it is same_site\."),
        (lambda: RESPONSE.set_cookie("a", "b", httponly=True), "set_cookie has no", r"Here it is http_only\."),
    ],
)
def test_names(call: Callable[[], object], what: str, remedy: str) -> None:
    with pytest.raises(HandlerError, match=rf"RW270 .*{what}.* \({HERE}\)\. {remedy}"):
        call()
