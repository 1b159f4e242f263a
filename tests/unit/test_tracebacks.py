"""Tracebacks in the log of a user."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.conftest import Log
from twisted.logger import eventAsText

from ropewalk import App, Headers, Request, Response, asgi, wsgi
from ropewalk.errors import TreeError
from ropewalk.middleware import Next
from ropewalk.testing import Client
from ropewalk.tracebacks import PACKAGE, format_error, shown_error, without_frames


def raised(call: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any
        call()
    return caught.value


def nested() -> None:
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


class TestFrames:
    def passing(self, depth: int) -> list[Any]:
        async def middleware(request: Request, next: Next) -> Response:
            return await next(request)

        return [middleware] * depth

    @pytest.mark.parametrize("debug", [False, True])
    @pytest.mark.parametrize("kind", ["plain", "coroutine"])
    def test_middleware_adds_no_frames(self, log: Log, kind: str, debug: bool) -> None:
        def plain(request: Request) -> str:
            raise KeyError("lost")

        async def coroutine(request: Request) -> str:
            await request.body()
            raise KeyError("lost")

        app = App(middleware=self.passing(2), debug=debug)
        app.get("/")({"plain": plain, "coroutine": coroutine}[kind])
        response = Client(app, raise_errors=False).get("/")
        (event,) = log
        for text in [eventAsText(event), *(["\n".join(response.json()["traceback"])] if debug else [])]:
            assert PACKAGE not in text
            (line,) = [line for line in text.splitlines() if line.strip().startswith("File ")]
            assert line.endswith(f", in {kind}")

    def test_by_wsgi(self, log: Log) -> None:
        def application(environ: Any, start_response: Any) -> Any:
            raise KeyError("lost")

        app = App()
        app.mount("/", wsgi(application))
        assert Client(app, raise_errors=False).get("/").status == 500
        assert [PACKAGE in eventAsText(event) for event in log] == [False]
        assert ", in application" in eventAsText(log[0])

    def test_by_asgi(self, log: Log) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> Any:
            if scope["type"] == "http":
                raise KeyError("lost")

        app = App()
        app.mount("/", asgi(application))
        with Client(app, raise_errors=False) as client:
            assert client.get("/").status == 500
        texts = [eventAsText(event) for event in log if "log_failure" in event]
        assert [PACKAGE in text for text in texts] == [False]
        assert ", in application" in texts[0]

    def test_a_hook(self, log: Log) -> None:
        app = App()

        @app.on_stop
        def stop() -> None:
            raise KeyError("lost")

        with Client(app) as client:
            client.get("/")
        (event,) = [event for event in log if "log_failure" in event]
        text = eventAsText(event)
        assert "stop at tests/unit/test_tracebacks.py:" in text
        assert PACKAGE not in text

    def test_what_python_raises_in_our_code_keeps_the_frames_in_which_it_did(self) -> None:
        text = format_error(raised(lambda: Headers([("a", "b")]).get(5)))  # type: ignore[call-overload]
        assert text.index("test_tracebacks.py") < text.index(f"{PACKAGE}headers.py")

    def test_what_we_raise_ends_in_the_line_of_the_user(self) -> None:
        text = format_error(raised(lambda: App().get("no slash")(lambda request: "")))
        assert PACKAGE not in text
        assert "ropewalk.errors.TreeError: RW101" in text

    def test_what_has_passed_through_ours_alone_is_whole(self) -> None:
        error = TreeError("RW101", "Oh.")
        assert format_error(error) == f"ropewalk.errors.TreeError: {error}\n"
        code = compile("def fail(): raise KeyError('ours')", f"{PACKAGE}some.py", "exec")
        scope: dict[str, Any] = {}
        exec(code, scope)
        own = raised(scope["fail"])
        own = own.with_traceback(own.__traceback__ and own.__traceback__.tb_next)
        assert f"{PACKAGE}some.py" in format_error(own)

    def test_what_we_raise_in_our_code_alone_has_no_frames(self) -> None:
        """If only our code is in the traceback of our error, its frames are left out, because the message names the
        user's code. The frames of the cause stay."""
        source = "def fail(error, cause): raise error from cause"
        scope: dict[str, Any] = {}
        exec(compile(source, f"{PACKAGE}some.py", "exec"), scope)
        cause = raised(lambda: int("room"))
        own = raised(lambda: scope["fail"](TreeError("RW101", "Oh."), cause))
        while own.__traceback__ is not None and not own.__traceback__.tb_frame.f_code.co_filename.startswith(PACKAGE):
            own = own.with_traceback(own.__traceback__.tb_next)
        text = format_error(own)
        assert "some.py" not in text
        assert "test_tracebacks.py" in text
        assert text.endswith(f"ropewalk.errors.TreeError: {own}\n")


class TestChains:
    def test_causes_and_notes_stay(self) -> None:
        error = raised(nested)
        error.add_note("Said besides.")
        text = format_error(error)
        assert "KeyError: 'first'" in text
        assert "The above exception was the direct cause" in text
        assert text.endswith("ValueError: second\nSaid besides.\n")

    def test_groups_stay(self) -> None:
        group = raised(lambda: _raise(ExceptionGroup("both", [raised(nested), KeyError("other")])))  # type: ignore[type-var]
        text = format_error(group)
        assert text.count("Traceback") == 3
        assert "KeyError: 'other'" in text

    def test_a_circle_ends(self) -> None:
        one, two = KeyError("one"), KeyError("two")
        one.__context__, two.__context__ = two, one
        assert "KeyError: 'one'" in format_error(one)


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError("one\ntwo"), "ValueError: one"),
        (SyntaxError("invalid", ("a.py", 1, 1, "x", 1, 2)), "SyntaxError: invalid"),
        (ValueError(), "ValueError"),
    ],
)
def test_the_line_of_an_error(error: Exception, line: str) -> None:
    error.add_note("a note")
    assert shown_error(error) == line


class Picky(Exception):
    """An exception whose constructor takes other arguments than `args`."""

    __slots__ = ("count",)

    def __init__(self, *, count: int) -> None:
        super().__init__("too many")
        self.count = count
        self.also = "kept"


class Unmakeable(Exception):
    def __new__(cls, *, name: str) -> "Unmakeable":
        return super().__new__(cls, name)

    def __init__(self, *, name: str) -> None:
        super().__init__(name)


class TestWithoutFrames:
    def test_the_traceback_the_cause_and_the_context(self) -> None:
        copied = without_frames(raised(nested))
        assert (type(copied), copied.args) == (ValueError, ("second",))
        assert (copied.__traceback__, copied.__cause__, copied.__context__) == (None, None, None)

    def test_the_error_itself_keeps_them(self) -> None:
        error = raised(nested)
        without_frames(error)
        assert error.__traceback__ is not None
        assert error.__cause__ is not None

    @pytest.mark.parametrize(
        "error",
        [
            OSError(2, "gone", "here"),
            OSError(18, "across", "here", None, "there"),
            OSError("odd"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            KeyError("x"),
            SystemExit(3),
            ImportError("lost", name="module"),
            TreeError("RW104", "twice"),
        ],
    )
    def test_what_it_shows(self, error: BaseException) -> None:
        copied = without_frames(error)
        assert (type(copied), str(copied), repr(copied)) == (type(error), str(error), repr(error))
        assert copied is not error

    def test_fields_of_every_kind(self) -> None:
        exit_code: Any = without_frames(SystemExit(3))
        picky: Any = without_frames(Picky(count=3))
        assert exit_code.code == 3
        assert (picky.args, picky.count, picky.also) == (("too many",), 3, "kept")

    def test_groups(self) -> None:
        group: Any = without_frames(BaseExceptionGroup("several", [raised(nested), KeyError("x")]))
        assert (str(group), [type(each) for each in group.exceptions]) == (
            "several (2 sub-exceptions)",
            [ValueError, KeyError],
        )
        assert [each.__traceback__ for each in group.exceptions] == [None, None]

    def test_what_cannot_be_made(self) -> None:
        copied = without_frames(Unmakeable(name="x"))
        assert (type(copied), str(copied)) == (RuntimeError, "Unmakeable('x')")
