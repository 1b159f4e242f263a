"""The options of clients."""

from pathlib import Path
from typing import Any

import pytest

from ropewalk import App
from ropewalk.client import HTTPClient, HTTPClientOptions, Retries, Timeouts
from ropewalk.errors import HandlerError, OptionError
from ropewalk.testing import FakeService

WRONG: list[tuple[type, dict[str, Any]]] = [
    (HTTPClientOptions, {"base_url": "rooms.internal"}),
    (HTTPClientOptions, {"base_url": "https://rooms.internal/?a=b"}),
    (HTTPClientOptions, {"base_url": "https://ada:secret@rooms.internal/"}),
    (HTTPClientOptions, {"timeouts": 5}),
    (HTTPClientOptions, {"retries": 5}),
    (HTTPClientOptions, {"connections": 0}),
    (HTTPClientOptions, {"idle_connections": -1}),
    (HTTPClientOptions, {"idle_timeout": 0}),
    (HTTPClientOptions, {"body_limit": "1 MB"}),
    (HTTPClientOptions, {"redirects": True}),
    (HTTPClientOptions, {"cookies": "yes"}),
    (HTTPClientOptions, {"ca_file": "no-such-file.pem"}),
    (HTTPClientOptions, {"back_end": "requests"}),
    (HTTPClientOptions, {"headers": {"a b": "c"}}),
    (HTTPClientOptions, {"headers": {"a": "b\n"}}),
    (HTTPClientOptions, {"headers": 5}),
    (HTTPClientOptions, {"headers": {"Connection": "close"}}),
    (HTTPClientOptions, {"headers": {"content-length": "5"}}),
    (HTTPClientOptions, {"request_id_header": "a\nb"}),
    (HTTPClientOptions, {"request_id_header": ""}),
    (HTTPClientOptions, {"request_id_header": 5}),
    (Timeouts, {"connect": 0}),
    (Timeouts, {"total": float("inf")}),
    (Timeouts, {"read": "5"}),
    (Retries, {"attempts": 0}),
    (Retries, {"first_delay": -1}),
    (Retries, {"statuses": [503]}),
    (Retries, {"budget": -0.1}),
]


@pytest.mark.parametrize(("kind", "options"), WRONG, ids=str)
def test_wrong_options(kind: type, options: dict[str, Any]) -> None:
    [name] = options
    with pytest.raises(HandlerError, match=rf"RW359 {kind.__name__}: {name} cannot be .*test_options\.py"):
        kind(**options)


def test_a_password_in_a_url_is_not_shown() -> None:
    with pytest.raises(OptionError) as raised:
        HTTPClientOptions(base_url="https://ada:secret@rooms.internal/")
    assert "secret" not in str(raised.value)
    assert HTTPClientOptions(base_url="https://rooms.internal/@v1").base_url


def test_unknown_options() -> None:
    with pytest.raises(HandlerError, match="RW270 HTTPClientOptions has no option 'base'"):
        HTTPClientOptions(base="https://rooms.internal")  # type: ignore[call-arg]


def test_what_is_not_options() -> None:
    with pytest.raises(HandlerError, match=r"RW359 .*Give the options as HTTPClientOptions"):
        HTTPClient("https://rooms.internal")  # type: ignore[arg-type]


@pytest.mark.parametrize("auth", ["", "two words", "ü", ("ada",), ("a:b", "c"), 7, ("ada", 7)])
def test_wrong_credentials(auth: Any) -> None:
    with pytest.raises(
        OptionError, match=r"RW359 HTTPClientOptions: auth cannot be used\. .*test_options\.py"
    ) as raised:
        HTTPClientOptions(auth=auth)
    assert "ada" not in str(raised.value)


def test_an_app_and_a_transport() -> None:
    with pytest.raises(OptionError, match=r"RW359 HTTPClient got app and transport.*test_options\.py"):
        HTTPClient(app=App(), transport=FakeService())


def test_fields_of_an_iterator_are_kept() -> None:
    options = HTTPClientOptions(headers=iter([("X-A", "1")]))
    assert options.headers == (("x-a", "1"),)


def test_no_repr_has_credentials(tmp_path: Path) -> None:
    options = HTTPClientOptions(auth=("ada", "hidden"), headers={"x-key": "hidden"}, ca_file=Path(__file__))
    assert "hidden" not in repr(options)
    assert "hidden" not in repr(HTTPClient(options))
