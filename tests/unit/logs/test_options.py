"""The options of the logs, and formats of the access log that are refused."""

from typing import Any

import pytest

from ropewalk.errors import HandlerError, StartError
from ropewalk.logs import SECRETS, LogOptions
from ropewalk.server import check_access_log


def test_the_defaults() -> None:
    options = LogOptions()
    assert (options.format, options.level, options.access_template, options.access_fields) == ("text", "info", None, ())
    assert options.redact == SECRETS


def test_lists_are_copied() -> None:
    names = ["path"]
    options = LogOptions(access_fields=names)
    names.append("status")
    assert options.access_fields == ("path",)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"format": "xml"}, "LogOptions got format='xml'."),
        ({"level": "warning"}, "LogOptions got level='warning'."),
        ({"access_template": 1}, "LogOptions got access_template=1."),
        ({"access_fields": "path"}, "LogOptions got access_fields='path'."),
        ({"redact": "iban"}, "LogOptions got redact='iban'."),
        ({"redact": [1]}, "LogOptions got redact=[1]."),
        ({"access_template": "{path}", "access_fields": ["path"]}, "LogOptions got access_template and access_fields."),
    ],
)
def test_wrong_values(given: dict[str, Any], what: str) -> None:
    with pytest.raises(HandlerError) as caught:
        LogOptions(**given)
    assert caught.value.code == "RW332"
    assert what.removesuffix(".") in caught.value.message


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{path", "it has a single {, which must be written twice"),
        ("a}", "it has a single }, which must be written twice"),
        ("path", "it has no field such as {path}"),
        ("{path}\n", "it has a control character"),
        ("{a b}", '"a b" is not the name of a field'),
    ],
)
def test_wrong_templates(template: str, why: str) -> None:
    with pytest.raises(StartError) as caught:
        check_access_log(template)
    assert caught.value.code == "RW331"
    assert caught.value.message == f"The template of the access log is wrong: {why}."


@pytest.mark.parametrize(
    ("fields", "why"),
    [((), "it has no field"), (("a", "a"), "a is in it twice"), (("header:",), '"" is not the name of a header field')],
)
def test_wrong_fields(fields: tuple[str, ...], why: str) -> None:
    with pytest.raises(StartError) as caught:
        check_access_log(None, fields)
    assert caught.value.message == f"The list of fields of the access log is wrong: {why}."
