"""Secrets in the objects that log lines show, in each form of the log."""

from collections import UserDict
from typing import Any

import pytest
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from ropewalk.headers import Headers
from ropewalk.logs import Redaction, formatter
from ropewalk.logs.tracking import log_value

FORMS = ("text", "json", "console")
SECRET = "S-3-cr-3-t"
FIELDS = [("Authorization", f"Bearer {SECRET}"), ("Cookie", f"sid={SECRET}"), ("Accept", "text/html")]


class Lists(list[Any]):
    """A list whose items cannot be read."""

    def __iter__(self) -> Any:
        raise RuntimeError


class Rows(dict[str, Any]):
    """A dict whose items cannot be read."""

    def items(self) -> Any:
        raise RuntimeError


class Bad:
    def __repr__(self) -> str:
        raise RuntimeError


def line(form: Any, message: str, **fields: Any) -> str:
    event = {"log_time": 1.0, "log_level": LogLevel.info, "log_namespace": "hotel", "log_format": message}
    text = formatter(form, Redaction())(event | fields)
    assert text is not None
    return text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "value",
    [
        Headers(FIELDS),
        Headers(FIELDS).lines(),
        dict(FIELDS),
        UserDict(FIELDS),
        FIELDS,
        [(name.encode(), value.encode()) for name, value in FIELDS],
        ValueError(f"GET /?token={SECRET}"),
        f"GET /?token={SECRET}".encode(),
        {"tried": ValueError(f"GET /?token={SECRET}")},
    ],
    ids=["Headers", "lines", "dict", "UserDict", "pairs", "pairs of bytes", "exception", "bytes", "nested"],
)
def test_the_value_of_a_field(form: Any, value: Any) -> None:
    assert SECRET not in line(form, "got {value}", value=value)
    assert SECRET not in line(form, "got", value=value)


@pytest.mark.parametrize("form", FORMS)
def test_the_message_of_a_failure(form: Any) -> None:
    failure = Failure(ValueError(f"GET /?token={SECRET}"))
    assert SECRET not in line(form, "", log_failure=failure)


@pytest.mark.parametrize("name", ["token", "x" * 300 + "token"])
@pytest.mark.parametrize("value", [f"a'{SECRET}", f"'{SECRET}", SECRET])
def test_the_whole_value_of_a_parameter(name: str, value: str) -> None:
    assert Redaction().of_text(f"see '/?{name}={value}', please") == f"see '/?{name}=[redacted]', please"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [Rows(a=1), [Rows(a=1)], Lists([1]), {"a": Lists([1])}, Bad()])
def test_a_value_that_cannot_be_formatted(form: Any, value: Any) -> None:
    assert "order 5 failed" in line(form, "order 5 failed", rows=value)


@pytest.mark.parametrize(
    "value", [Bad(), [Bad()], 10**5000, {"a": 10**5000}], ids=["bad", "in a list", "long", "nested"]
)
def test_a_value_of_the_access_log(value: Any) -> None:
    assert log_value(value)
