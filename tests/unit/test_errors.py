"""The catalogue, and what errors say."""

import re
from functools import partial
from pathlib import Path

import pytest

from ropewalk.errors import (
    CATALOGUE,
    AnswerOver,
    BadBody,
    BodyTooLarge,
    HTTPError,
    RopewalkError,
    TreeError,
    describe,
    phrase,
    place,
)

HERE = Path(__file__).relative_to(Path.cwd())


class TestCatalogue:
    def test_codes_are_in_order(self) -> None:
        assert list(CATALOGUE) == sorted(CATALOGUE)

    @pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
    def test_every_entry_is_of_sentences(self, entry: object) -> None:
        for text in (entry.summary, entry.remedy):  # type: ignore[attr-defined]
            assert re.fullmatch(r"[A-Z`].*\.", text)


class TestText:
    def test_code_message_and_remedy(self) -> None:
        assert str(TreeError("RW104", "GET / is claimed twice: a.py:1 and b.py:2.")) == (
            "RW104 GET / is claimed twice: a.py:1 and b.py:2. Rename one, or mount one of them under a prefix."
        )

    def test_a_remedy_of_its_own(self) -> None:
        assert str(RopewalkError("RW101", "Oh.", "Do this.")) == "RW101 Oh. Do this."

    def test_from_one_sentence_as_the_engine_raises(self) -> None:
        error = AnswerOver("The answer is complete already.")
        assert str(error).startswith("RW301 The answer is complete already. ")

    def test_http_errors(self) -> None:
        assert str(HTTPError(404)) == "404 Not Found"
        assert HTTPError(404).detail == "Not Found"
        assert str(HTTPError(404, "No such guest.")) == "404 No such guest."
        assert BodyTooLarge("too large").status == 413
        assert BadBody("bad").status == 400

    @pytest.mark.parametrize("status", [200, 302, 399, 600])
    def test_an_http_error_is_an_error(self, status: int) -> None:
        with pytest.raises(ValueError, match=str(status)):
            HTTPError(status)

    def test_phrases(self) -> None:
        assert phrase(418) == "I'm a Teapot"
        assert phrase(499) == "Client Error"
        assert phrase(599) == "Server Error"


class TestPlace:
    def test_of_a_function(self) -> None:
        line = function.__code__.co_firstlineno
        assert place(function) == f"{HERE}:{line}"
        assert place(partial(function)) == f"{HERE}:{line}"

    def test_of_a_method_and_a_callable_object(self) -> None:
        assert place(Callable().method) == f"{HERE}:{Callable.method.__code__.co_firstlineno}"
        assert place(Callable()) == f"{HERE}:{Callable.__call__.__code__.co_firstlineno}"

    def test_of_what_is_not_written_in_python(self) -> None:
        assert place(len) == "len"

    def test_names(self) -> None:
        assert describe(partial(function)) == "function"
        assert describe(Callable()) == "Callable"
        assert describe(Callable().method) == "Callable.method"


def function() -> None: ...


class Callable:
    def __call__(self) -> None: ...

    def method(self) -> None: ...
