"""The catalogue, and what errors say."""

import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ropewalk.errors import (
    CATALOGUE,
    AnswerOver,
    BadBody,
    BodyTooLarge,
    HTTPError,
    InvalidField,
    RopewalkError,
    TreeError,
    describe,
    interrupts,
    phrase,
    place,
    shown,
    visible,
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
        assert str(TreeError("RW104", "GET / is registered twice: a.py:1 and b.py:2.")) == (
            "RW104 GET / is registered twice: a.py:1 and b.py:2. Rename one, or mount one of them under a prefix."
        )

    def test_a_remedy_of_its_own(self) -> None:
        assert str(RopewalkError("RW101", "Oh.", "Do this.")) == "RW101 Oh. Do this."

    def test_from_one_sentence_as_the_engine_raises(self) -> None:
        error = AnswerOver("The response is complete already.")
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
        assert phrase(418) == "I'm a Teapot"
        assert phrase(499) == "Client Error"
        assert phrase(599) == "Server Error"


class TestShown:
    def test_what_repr_gives(self) -> None:
        assert [shown(value) for value in (5, "a\r\n", None)] == ["5", "'a\\r\\n'", "None"]

    def test_it_is_not_too_long_and_of_one_line(self) -> None:
        assert shown("x" * 1_000_000) == f"'{'x' * 199}..."

        class Lines:
            def __repr__(self) -> str:
                return "one\ntwo\x1b\ud800"

        assert shown(Lines()) == "one\\ntwo\\x1b\\ud800"

    @pytest.mark.parametrize("made", [RuntimeError("no repr"), RecursionError()])
    def test_it_raises_nothing(self, made: Exception) -> None:
        class Mute:
            def __repr__(self) -> str:
                raise made

        assert re.fullmatch("<.*Mute that has no repr>", shown(Mute()))


class TestVisible:
    def test_line_feeds_and_tabs_stay(self) -> None:
        assert visible("one\n\ttwo, \N{SNOWMAN}") == "one\n\ttwo, \N{SNOWMAN}"

    @pytest.mark.parametrize("code", [*range(9), *range(11, 32), *range(127, 160)])
    def test_other_control_characters_become_escapes(self, code: int) -> None:
        assert visible(f"a{chr(code)}b") == ("a\\rb" if code == 13 else f"a\\x{code:02x}b")

    @pytest.mark.parametrize("character", ["\u2028", "\u202e", "\u2066", "\ud800"])
    def test_so_do_those_that_turn_a_line_round_or_fit_no_encoding(self, character: str) -> None:
        assert visible(character) == f"\\u{ord(character):04x}"


class TestInterrupts:
    """Ctrl-C ends a program that does not handle SIGINT. A server does, and a KeyboardInterrupt is a handler's."""

    @pytest.mark.parametrize(("handler", "expected"), [(signal.default_int_handler, True), (signal.SIG_IGN, False)])
    def test_by_who_handles_the_signal(self, handler: Any, expected: bool) -> None:
        former = signal.signal(signal.SIGINT, handler)
        try:
            assert interrupts(KeyboardInterrupt()) == expected
            assert not interrupts(SystemExit())
        finally:
            signal.signal(signal.SIGINT, former)


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
