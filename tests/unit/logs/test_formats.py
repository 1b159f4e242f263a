"""The forms of a log line."""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.python.log import LogPublisher

from ropewalk.errors import visible
from ropewalk.logs import Redaction, formatter

EVENT = {
    "log_time": 784_111_777.00012,
    "log_level": LogLevel.info,
    "log_namespace": "hotel",
    "log_format": "room {room}",
}
CONTROLS = "\x00\x1b[31m\r\x7f\x9b\u2028\u202e"


def line(form: Any, *, colours: bool = False, **fields: Any) -> str:
    text = formatter(form, Redaction(), colours=colours)(EVENT | {"room": 5} | fields)
    assert text is not None
    assert text.endswith("\n")
    return text


def in_json(**fields: Any) -> dict[str, Any]:
    text = line("json", **fields)
    assert text.count("\n") == 1
    found: dict[str, Any] = json.loads(text)
    return found


def failure(error: BaseException) -> Failure:
    try:
        raise error
    except BaseException:  # noqa: BLE001 - any class of errors
        return Failure()


class Hostile:
    """An object whose text raises."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class HostileText(str):
    """A str whose methods raise."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __format__ = __str__  # type: ignore[assignment]


class Seconds(float):
    """A number whose methods raise. The encoder of JSON refuses its class, as it does the classes of numpy."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __format__ = __float__ = __str__  # type: ignore[assignment]


class Count(int):
    """A number whose methods raise."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __format__ = __int__ = __index__ = __str__  # type: ignore[assignment]


class Kind(str, Enum):  # noqa: UP042 - StrEnum has the text of str
    """An enum whose text is not its value."""

    DOUBLE = "double"


class TestJSON:
    def test_an_event(self) -> None:
        assert in_json() == {
            "time": "1994-11-06T08:49:37.000120Z",
            "level": "info",
            "logger": "hotel",
            "message": "room 5",
            "room": 5,
        }

    def test_names_of_its_own_are_kept(self) -> None:
        found = in_json(time="now", message="hello", level=3, log_source="x")
        assert (found["time_"], found["message_"], found["level_"]) == ("now", "hello", 3)
        assert found["message"] == "room 5"
        assert "log_source" not in found

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (b"\xff", "\\xff"),
            (1 << 70, f"{1 << 70:#x}"),
            (float("inf"), None),
            ("\ud800", "\\ud800"),
            ({1: {2}}, {"1": [2]}),
            (print, str(print)),
            (Hostile(), "<Hostile whose text raised RuntimeError>"),
            ({Hostile(): 1}, {"<Hostile whose text raised RuntimeError>": 1}),
            ({Kind.DOUBLE: 1}, {"double": 1}),
            (Kind.DOUBLE, "double"),
        ],
    )
    def test_any_value(self, value: Any, shown: Any) -> None:
        assert in_json(value=value)["value"] == shown

    def test_no_method_of_a_derived_class_is_called(self) -> None:
        values = [HostileText("a"), Seconds(1.5), Count(5), Count(1 << 70)]
        assert in_json(value=values)["value"] == ["a", 1.5, 5, f"{1 << 70:#x}"]

    @pytest.mark.parametrize("form", ["text", "console"])
    def test_nor_in_the_other_forms(self, form: str) -> None:
        assert "room 5" in line(form, a={Hostile(): 1}, b=HostileText("a"), c=Seconds(1.5), d=Count(5))

    def test_a_cycle(self) -> None:
        cycle: list[Any] = []
        cycle.append(cycle)
        assert "value" in in_json(value=cycle)

    def test_control_characters_are_escaped(self) -> None:
        text = line("json", room=f"a\n{CONTROLS}")
        assert not any(character in text[:-1] for character in f"\n{CONTROLS[1:]}" if character not in "[31m")
        assert json.loads(text)["room"] == f"a\n{CONTROLS}"

    def test_what_the_other_forms_escape_is_escaped(self) -> None:
        unseen = [chr(code) for code in range(0x2100) if visible(chr(code)) != chr(code)]
        assert len(unseen) > 70
        text = line("json", room="".join(unseen))
        assert not set(text[:-1]) & set(unseen)

    def test_an_exception_is_in_the_same_line(self) -> None:
        found = in_json(log_failure=failure(ValueError("bad /?token=x")))["exception"]
        assert found["type"] == "ValueError"
        assert found["message"] == "bad /?token=[redacted]"
        assert found["traceback"].startswith("Traceback (most recent call last):\n")
        assert "token=x" not in found["traceback"]

    def test_an_exception_without_a_text(self) -> None:
        class Bad(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no")

        assert in_json(log_failure=failure(Bad()))["exception"]["message"] == "It has no text: RuntimeError('no')"

    def test_a_failure_without_a_message(self) -> None:
        assert in_json(log_format=None, log_failure=failure(ValueError("bad")))["message"] == "bad"

    def test_a_format_that_fails(self) -> None:
        assert "Unable to format" in in_json(log_format="{missing}")["message"]

    def test_secrets(self) -> None:
        found = in_json(log_format="{password} {user}", password="x", user={"token": "y"})
        assert found["message"] == "[redacted] {'token': '[redacted]'}"
        assert found["password"] == "[redacted]"
        assert found["user"] == {"token": "[redacted]"}

    def test_a_legacy_event(self) -> None:
        found = in_json(log_legacy="x", log_format=None, message=("a", "b"), system="-", isError=0, format="%(room)s")
        assert found.keys() == {"time", "level", "logger", "message", "room"}

    def test_a_time_that_is_none(self) -> None:
        for wrong in (None, float("nan"), 1e20, "now"):
            assert in_json(log_time=wrong)["message"] == "room 5"
            assert "room" in line("text", log_time=wrong)

    def test_a_warning(self) -> None:
        found = in_json(
            log_format="{filename}:{lineno}: {category}: {warning}",
            warning="careful",
            category="builtins.UserWarning",
            filename="a.py",
            lineno=5,
        )
        assert found["message"] == "a.py:5: builtins.UserWarning: careful"
        assert found.keys() == {"time", "level", "logger", "message", "category", "filename", "lineno", "room"}
        assert found["logger"] == "py.warnings"
        assert in_json(warning="careful")["warning"] == "careful"


class TestLegacyLog:
    """Events of `twisted.python.log`."""

    @staticmethod
    def logged(log: Callable[[LogPublisher], object], form: Any = "json") -> Any:
        lines: list[str | None] = []
        publisher = LogPublisher(publishPublisher=lambda event: lines.append(formatter(form, Redaction())(event)))
        log(publisher)
        [text] = lines
        assert text is not None
        return json.loads(text) if form == "json" else text

    def test_a_message(self) -> None:
        found = self.logged(lambda log: log.msg("found", room=5))
        del found["time"]
        assert found == {"level": "info", "logger": "-", "message": "found", "room": 5}

    def test_the_system_is_the_logger(self) -> None:
        found = self.logged(lambda log: log.msg(format="room %(room)s", room=5, system="hotel"))
        del found["time"]
        assert found == {"level": "info", "logger": "hotel", "message": "room 5", "room": 5}

    def test_an_error(self) -> None:
        given = failure(ValueError("?token=a"))
        found = self.logged(lambda log: log.msg(failure=given, why="It failed", isError=1))
        assert found.keys() == {"time", "level", "logger", "message", "exception"}
        assert found["message"] == "It failed"
        assert found["exception"]["type"] == "ValueError"
        assert found["exception"]["message"] == "?token=[redacted]"
        assert "Traceback" in found["exception"]["traceback"]
        assert self.logged(lambda log: log.msg(failure=given, why=None, isError=1))["message"] == "Unhandled Error"
        assert self.logged(lambda log: log.msg("it", failure=given))["message"] == "it"

    def test_the_console(self) -> None:
        first, *rest = self.logged(
            lambda log: log.msg(failure=failure(ValueError("bad")), why="It failed", isError=1), "console"
        ).splitlines()
        assert first.endswith("critical It failed [-]")
        assert rest[0] == "\tTraceback (most recent call last):"


STACK = 'Stack (most recent call last):\n  File "a.py", line 1, in f\n    g("/?token=a\x1b")'


class TestStacks:
    """The stack that `stack_info=True` adds to a line."""

    def test_in_json(self) -> None:
        found = in_json(log_stack=STACK, stack="x")
        assert found["stack"] == STACK.replace("a\x1b", "[redacted]")
        assert found["stack_"] == "x"
        assert in_json(stack="x")["stack"] == "x"

    @pytest.mark.parametrize("form", ["text", "console"])
    def test_in_lines(self, form: str) -> None:
        first, *rest = line(form, log_stack=STACK).splitlines()
        assert "room 5" in first
        assert rest == [
            "\tStack (most recent call last):",
            '\t  File "a.py", line 1, in f',
            '\t    g("/?token=[redacted]")',
        ]


class TestConsole:
    def test_an_event(self) -> None:
        text = line("console", who="ada", note='a "b"', nothing=None, ratio=0.1234567)
        assert text[text.index(" ") :] == (
            ' info     room 5 who=ada note="a \\"b\\"" nothing=null ratio=0.123457 [hotel]\n'
        )

    def test_colours(self) -> None:
        assert "\x1b[32minfo    \x1b[0m" in line("console", colours=True)
        assert "\x1b" not in line("console")

    def test_control_characters_are_escaped(self) -> None:
        text = line("console", room=f"a\n{CONTROLS}", **{"na\nme": "x"})  # type: ignore[arg-type] # mypy takes it for `colours`
        assert text.count("\n") == 1
        assert text.isascii()
        assert text[:-1].isprintable()

    def test_a_traceback_follows(self) -> None:
        first, *rest = line("console", log_failure=failure(ValueError("a\x1b"))).splitlines()
        assert "room 5" in first
        assert rest[0] == "\tTraceback (most recent call last):"
        assert rest[-1] == "\tValueError: a\\x1b"


class TestText:
    def test_is_the_one_of_twisted(self) -> None:
        assert line("text").endswith(" [hotel#info] room 5\n")

    def test_control_characters_are_escaped(self) -> None:
        text = line("text", room=f"a\nb{CONTROLS}")
        assert "a\n\tb\\x00\\x1b[31m\\r\\x7f\\x9b\\u2028\\u202e\n" in text

    def test_secrets(self) -> None:
        assert "[redacted] /?token=[redacted]" in line("text", log_format="{token} {url}", token=1, url="/?token=2")

    def test_no_text(self) -> None:
        assert formatter("text", Redaction())({"log_format": ""}) is None
