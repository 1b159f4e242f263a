"""The UI of a master in a browser, which uses REST and a WebSocket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from interop.browser import CHROMIUM, Page, page
from interop.buildbot.master import Master, number_of, running

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    with running(tmp_path_factory.mktemp("master")) as master:
        yield master


@pytest.fixture
def ui(master: Master, tmp_path: Path) -> Iterator[Page]:
    with page(tmp_path) as ui:
        ui.go(master.url)
        ui.shows("Welcome to buildbot")
        yield ui
        assert ui.faults() == []


def test_home(ui: Page) -> None:
    assert ui.evaluate("document.title") == "Buildbot"


def test_all_its_files(ui: Page, master: Master) -> None:
    responses = [event["response"] for event in ui.events("Network.responseReceived")]
    ours = [response for response in responses if response["url"].startswith(master.url)]
    assert {response["mimeType"] for response in ours} >= {"text/html", "text/javascript", "text/css"}
    assert all(response["status"] == 200 for response in ours), ours


def test_builders(ui: Page, master: Master) -> None:
    ui.go(f"{master.url}/#/builders")
    ui.shows("splice", "whip")


def test_its_web_socket(ui: Page, master: Master) -> None:
    ui.go(f"{master.url}/#/builders")
    ui.shows("splice", "whip")
    (opened,) = ui.events("Network.webSocketHandshakeResponseReceived")
    assert opened["response"]["status"] == 101
    received = [event["response"]["payloadData"] for event in ui.events("Network.webSocketFrameReceived")]
    assert any('"code":200' in frame for frame in received), received


def test_what_others_do_appears(ui: Page, master: Master) -> None:
    """The update arrives over the WebSocket."""
    ui.go(f"{master.url}/#/changes")
    ui.shows("changes")
    with master.client() as client:
        form = {"author": "bob", "comments": "tarred the ends", "revision": "r1", "project": "rope"}
        assert client.post("/change_hook/base", data=form).text == "1 change found"
    ui.shows("tarred the ends")
    received = [event["response"]["payloadData"] for event in ui.events("Network.webSocketFrameReceived")]
    assert any('"k":"changes/' in frame for frame in received), received


def test_a_build_by_hand(ui: Page, master: Master) -> None:
    """Log in, force, watch the build come to its end, and read its log."""
    ui.go(f"{master.url.replace('//', '//alice:a%20secret@')}/auth/login")
    ui.shows("Welcome to buildbot", "alice")
    with master.client() as client:
        builder = f"{master.url}/#/builders/{number_of(client, 'splice')}"
    ui.go(builder)
    ui.click("force")
    ui.click("Start build")
    ui.shows("build successful")
    ui.go(f"{builder}/builds/1")
    ui.shows("build successful", "strands")
    ui.go(f"{builder}/builds/1/steps/1/logs/stdio")
    ui.shows("seq 50000")
