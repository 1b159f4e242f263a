"""The web UI in a browser: its files, its login, and a torrent that is added and removed in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from interop.browser import CHROMIUM, Page, page
from interop.deluge.torrent import torrent
from interop.deluge.web_ui import PASSWORD, WebUI, result, running

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUI]:
    with running(tmp_path_factory.mktemp("deluge")) as ui, ui.user() as user:
        result(user, "web.set_config", {"first_login": False})  # otherwise the web UI proposes another password
        yield ui


@pytest.fixture
def tab(ui: WebUI, tmp_path: Path) -> Iterator[Page]:
    with page(tmp_path / "profile") as tab:
        tab.go(ui.url)
        tab.shows("Password:")
        yield tab
        assert tab.faults() == []


def log_in(tab: Page, password: str = PASSWORD) -> None:
    tab.type("input[type=password]", password)
    tab.click("Login")


def test_all_its_files(tab: Page, ui: WebUI) -> None:
    assert tab.evaluate("document.title").startswith("Deluge WebUI")
    responses = [event["response"] for event in tab.events("Network.responseReceived")]
    ours = [response for response in responses if response["url"].startswith(ui.url)]
    assert {response["mimeType"] for response in ours} >= {"text/html", "text/javascript", "text/css", "image/png"}
    assert all(response["status"] == 200 for response in ours), ours


def test_login(tab: Page) -> None:
    log_in(tab)
    tab.shows("All (0)", "0 (200)", "KiB/s")


def test_wrong_password(tab: Page) -> None:
    log_in(tab, "nonsense")
    tab.shows("You entered an incorrect password")


def test_a_torrent_by_its_file(tab: Page, tmp_path: Path) -> None:
    """Upload a torrent, view it, add it, find it in the list, and remove it."""
    file = tmp_path / "sheet-bend.torrent"
    file.write_bytes(torrent("sheet-bend.bin").file)
    log_in(tab)
    tab.shows("All (0)")
    tab.click("Add")
    tab.shows("Add Torrents")
    tab.choose_file("input[type=file]", file)
    tab.shows("sheet-bend.bin")
    tab.click("Add", which=-1)
    tab.shows("All (1)")
    tab.evaluate("deluge.torrents.getSelectionModel().selectRow(0)")
    tab.click("Remove")
    tab.click("Remove Torrent")
    tab.shows("All (0)")
