"""`wsgi.errors`."""

from collections.abc import Callable
from typing import Any, TextIO

import pytest
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import TEXT, client

from ropewalk.wsgi import Environ, StartResponse
from ropewalk.wsgi.error_stream import ErrorStream


def lines(log: Log) -> list[str]:
    return log.text.splitlines()


@pytest.fixture
def logged(log: Log) -> Callable[[Callable[[TextIO], object]], list[str]]:
    """Return the log lines of an application that does something to the stream."""

    def run(complain: Callable[[TextIO], object]) -> list[str]:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            complain(environ["wsgi.errors"])
            start_response("200 OK", [TEXT])
            return [b""]

        asked = client(application)
        assert asked.get("/").status == 200
        with asked:
            pass  # the stop waits for the call to end
        return [event["text"] for event in log]

    return run


Logged = Callable[[Callable[[Any], object]], list[str]]


def test_a_line(logged: Logged) -> None:
    assert logged(lambda errors: errors.write("Oh dear\n")) == ["Oh dear"]


def test_a_line_in_parts(logged: Logged) -> None:
    assert logged(lambda errors: print("Oh", "dear", file=errors)) == ["Oh dear"]


def test_lines_that_were_written_together_stay_together(logged: Logged) -> None:
    assert logged(lambda errors: errors.write("Traceback:\n  here\n")) == ["Traceback:\n  here"]


def test_so_do_several_lines(log: Log) -> None:
    ErrorStream().writelines(["a\n", "b\n"])
    assert [event["text"] for event in log] == ["a\nb"]


def test_each_by_itself(logged: Logged) -> None:
    assert logged(lambda errors: (errors.write("a\n"), errors.write("b\n"))) == ["a", "b"]


def test_what_has_no_end_comes_with_the_end_of_the_call(logged: Logged) -> None:
    assert logged(lambda errors: errors.write("Oh dear")) == ["Oh dear"]


def test_or_when_it_is_flushed(log: Log) -> None:
    errors = ErrorStream()
    errors.write("Oh dear")
    assert log == []
    errors.flush()
    errors.flush()
    assert [event["text"] for event in log] == ["Oh dear"]


def test_nothing_that_a_terminal_would_act_upon(logged: Logged) -> None:
    assert logged(lambda errors: errors.write("\x1b[2J\r\n")) == ["\\x1b[2J\\r"]


def test_braces_are_text(logged: Logged) -> None:
    assert logged(lambda errors: errors.write("{log_level} {0}\n")) == ["{log_level} {0}"]


def test_it_is_text() -> None:
    with pytest.raises(TypeError, match="wsgi.errors takes str, not bytes"):
        ErrorStream().write(b"Oh dear")  # type: ignore[arg-type] # the mistake
