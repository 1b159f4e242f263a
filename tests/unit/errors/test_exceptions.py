"""The text of errors, and HTTPError."""

from typing import Any

import pytest

from ropewalk.errors import (
    BadBody,
    BodyTooLarge,
    HTTPError,
    InvalidField,
    ResponseEnded,
    RopewalkError,
    TreeError,
    phrase,
)


class TestText:
    def test_code_message_and_remedy(self) -> None:
        assert str(TreeError("RW104", "GET / is registered twice: a.py:1 and b.py:2.")) == (
            "RW104 GET / is registered twice: a.py:1 and b.py:2. Give one of the routes another path or method, "
            "or mount its app under a prefix."
        )

    def test_a_remedy_of_its_own(self) -> None:
        assert str(RopewalkError("RW101", "Oh.", "Do this.")) == "RW101 Oh. Do this."

    def test_from_one_sentence_as_the_engine_raises(self) -> None:
        error = ResponseEnded("The response is complete already.")
        assert str(error).startswith("RW301 The response is complete already. ")

    def test_http_errors(self) -> None:
        assert str(HTTPError(404)) == "404 Not Found"
        assert HTTPError(404).detail == "Not Found"
        assert str(HTTPError(404, "No such guest.")) == "404 No such guest."
        assert BodyTooLarge("too large").status == 413
        assert BadBody("bad").status == 400

    @pytest.mark.parametrize("status", [200, 302, 399, 600, True, "404", 404.5, None])
    def test_an_http_error_is_an_error(self, status: Any) -> None:
        with pytest.raises(
            InvalidField, match=f"RW304 The status of an HTTPError must be from 400 to 599, not {status!r}"
        ):
            HTTPError(status)

    def test_headers_of_an_http_error(self) -> None:
        for given in ({"allow": "GET"}, [("allow", "GET")]):
            assert HTTPError(405, headers=given).headers == (("allow", "GET"),)

    def test_phrases(self) -> None:
        assert phrase(418) == "I'm a teapot"
        assert phrase(499) == "Client Error"
        assert phrase(599) == "Server Error"
