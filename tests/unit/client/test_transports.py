"""The transports and options that a client takes."""

from typing import Any

import pytest
from tests.unit.client.calls import Silent, called, result_of

from ropewalk.client import HTTPClient, HTTPClientOptions, InvalidCall
from ropewalk.errors import OptionError
from ropewalk.testing import FakeService


def test_a_transport_gets_calls_to_each_origin_without_a_base_url(fake: FakeService) -> None:
    for url in ("https://rooms.internal/x", "http://other.internal/x", "http://localhost/x"):
        fake.reply("GET", url, body=url)
        assert called(fake, url=url).text == url
    assert called(fake, url="/x").text == "http://localhost/x"
    with pytest.raises(InvalidCall, match="not the origin of the client's base URL"):
        called(fake, url="http://other.internal/x", options=HTTPClientOptions(base_url="https://rooms.internal"))


def test_httpx2_without_an_event_loop() -> None:
    client = HTTPClient(HTTPClientOptions(back_end="httpx2"))
    with pytest.raises(OptionError, match=r"RW359 .*test_transports\.py:\d+\)\. Use an asyncio reactor"):
        result_of(client.get("http://127.0.0.1:1/"))
    result_of(client.close())


def test_another_transport_for_a_block(fake: FakeService) -> None:
    fake.reply("GET", "/", body="fake")
    silent = Silent()
    client = HTTPClient(transport=silent)
    with client.using(fake):
        assert result_of(client.get("/")).text == "fake"
    client.get("/").addErrback(lambda _: None).cancel()
    assert len(silent.waiting) == 1


@pytest.mark.parametrize("wrong", [None, FakeService, {}])
def test_what_is_no_transport(fake: FakeService, wrong: Any) -> None:
    client = HTTPClient(transport=fake)
    with pytest.raises(OptionError, match=r"RW359 .*test_transports\.py"), client.using(wrong):
        pass
    if wrong is not None:
        with pytest.raises(OptionError, match=r"RW359 .*test_transports\.py"):
            HTTPClient(transport=wrong)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("base_url", r"Write HTTPClient\(HTTPClientOptions\(base_url=\.\.\.\)\)"),
        ("timeout", "Here it is timeouts"),
        ("verify", "Here it is ca_file"),
    ],
)
def test_options_of_a_client_that_does_not_take_them(name: str, hint: str) -> None:
    wrong: dict[str, Any] = {name: "x"}
    with pytest.raises(OptionError, match=rf"RW270 .*test_transports\.py:\d+\)\. {hint}"):
        HTTPClient(**wrong)
