"""How error messages name places, functions and values."""

import re
from functools import partial
from pathlib import Path

import pytest

from ropewalk.errors import (
    describe,
    place,
    shown,
    visible,
)

HERE = Path(__file__).relative_to(Path.cwd())


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
