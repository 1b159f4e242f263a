"""A web UI and its clients: pages, JSON-RPC, uploads, events, clients that leave early, over HTTP and HTTPS."""

import gzip
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from interop.deluge.torrent import Torrent, torrent
from interop.deluge.web_ui import PASSWORD, WebUI, call, result, running

FAULTS = re.compile(r"Traceback|Unhandled")

numbers = count(1)


@pytest.fixture(scope="module", params=["http", "https"])
def ui(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUI]:
    with running(tmp_path_factory.mktemp("deluge"), request.param) as ui:
        yield ui
    assert (ui.process.popen.returncode, ui.daemon.popen.returncode) == (0, 0)
    assert not FAULTS.search(ui.process.said), ui.process.said


@pytest.fixture(scope="module")
def client(ui: WebUI) -> Iterator[httpx.Client]:
    """The client of a visitor who is not logged in."""
    with ui.client() as client:
        yield client


@pytest.fixture(scope="module")
def user(ui: WebUI) -> Iterator[httpx.Client]:
    with ui.user() as user:
        yield user


@pytest.fixture
def some_torrent() -> Torrent:
    return torrent(f"rope-{next(numbers)}.bin")


def installed(path: str) -> bytes:
    """A file of the web UI."""
    found = find_spec("deluge.ui.web")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / path).read_bytes()


def upload(client: httpx.Client, *files: bytes) -> list[str]:
    """Return the paths at which the web UI stores uploads."""
    response = client.post("/upload", files=[("file", ("some.torrent", file)) for file in files])
    assert response.status_code == 200, response.text
    uploaded = response.json()
    assert uploaded["success"] is True
    paths: list[str] = uploaded["files"]
    return paths


def add(user: httpx.Client, some: Torrent) -> None:
    (path,) = upload(user, some.file)
    options = {"add_paused": True}
    assert result(user, "web.add_torrents", [{"path": path, "options": options}]) == [[True, some.id]]


class TestPages:
    def test_all_that_the_page_names(self, client: httpx.Client) -> None:
        page = client.get("/")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Deluge WebUI" in page.text
        paths = re.findall(r'(?:href|src)="(/[^"]+)"', page.text)
        assert len(paths) > 10
        for path in paths:
            response = client.get(path)
            assert response.status_code == 200, path
            assert response.content, path

    @pytest.mark.parametrize(("path", "file"), [("ext-all.js", "extjs/ext-all.js"), ("deluge-all.js", "deluge-all.js")])
    @pytest.mark.parametrize("coding", ["gzip", "identity"])
    def test_script(self, client: httpx.Client, path: str, file: str, coding: str) -> None:
        """One of the files has 720 kB. With a content coding, it is written in pieces."""
        response = client.get(f"/js/{path}", headers={"Accept-Encoding": coding})
        assert response.headers.get("Content-Encoding", "identity") == coding
        assert response.headers["Content-Type"] in {"text/javascript", "application/javascript"}
        assert response.content == installed(f"js/{file}")

    def test_gzip_as_it_is(self, client: httpx.Client) -> None:
        with client.stream("GET", "/js/deluge-all.js", headers={"Accept-Encoding": "gzip"}) as response:
            content = b"".join(response.iter_raw())
        assert gzip.decompress(content) == installed("js/deluge-all.js")

    def test_server(self, client: httpx.Client) -> None:
        """Deluge names no version."""
        assert client.get("/").headers["Server"] == "TwistedWeb"

    @pytest.mark.parametrize(
        ("path", "status", "kind"),
        [
            ("/flag/de", 200, "image/png"),
            ("/icons/deluge.png", 200, "image/png"),
            ("/images/deluge-icon.png", 404, "text/html"),
            ("/render/tab_status.html", 200, "text/html"),
            ("/render/nothing.html", 404, "text/html"),
            ("/js/nothing.js", 404, "text/html"),
            ("/themes/css/xtheme-gray.css", 200, "text/css"),
            ("/tracker/example.org", 401, None),
            ("/nothing", 404, "text/html"),
        ],
    )
    def test_path(self, client: httpx.Client, path: str, status: int, kind: str | None) -> None:
        response = client.get(path)
        assert response.status_code == status
        assert response.headers.get("Content-Type", "").partition(";")[0] == (kind or "text/html")

    def test_below_a_base(self, client: httpx.Client) -> None:
        """A proxy in front reports the base path."""
        assert 'href="/deluge/' in client.get("/", headers={"X-Deluge-Base": "deluge"}).text

    def test_part_of_a_file(self, client: httpx.Client) -> None:
        part = client.get("/themes/images/default/s.gif", headers={"Range": "bytes=0-5"})
        assert (part.status_code, part.content) == (206, b"GIF89a")


class TestJSON:
    def test_login(self, ui: WebUI) -> None:
        with ui.client() as client:
            assert call(client, "web.connected")["error"] == {"message": "Not authenticated", "code": 1}
            assert result(client, "auth.login", "nonsense") is False
            assert result(client, "auth.login", PASSWORD) is True
            assert result(client, "auth.check_session") is True
            assert result(client, "auth.delete_session") is True
            assert call(client, "web.connected")["error"] == {"message": "Not authenticated", "code": 1}

    def test_daemon(self, user: httpx.Client) -> None:
        assert result(user, "web.connected") is True
        assert "core.get_torrents_status" in result(user, "system.listMethods")
        assert result(user, "daemon.get_version").startswith("2.")

    @pytest.mark.parametrize(
        ("content", "code"),
        [(b'{ method": "auth.login" }', 5), (b"{}", 5), (b'{"id":1,"method":"no.such","params":[]}', 2)],
    )
    def test_nonsense(self, ui: WebUI, content: bytes, code: int) -> None:
        with ui.client() as client:
            response = client.post("/json", content=content, headers={"Content-Type": "application/json"})
        assert response.json()["error"]["code"] == code

    def test_other_type(self, client: httpx.Client) -> None:
        response = client.post("/json", content=b"{}", headers={"Content-Type": "text/plain"})
        assert "content-type" in response.json()["error"]["message"]

    def test_other_method(self, client: httpx.Client) -> None:
        assert client.get("/json").status_code == 405
        assert client.get("/upload").status_code == 405

    def test_large(self, user: httpx.Client) -> None:
        """The request and the response have 1 MB."""
        label = "x" * 1_000_000
        config = result(user, "core.get_config")
        result(user, "core.set_config", {"move_completed_path": label})
        assert result(user, "core.get_config_value", "move_completed_path") == label
        result(user, "core.set_config", {"move_completed_path": config["move_completed_path"]})

    def test_compressed(self, user: httpx.Client) -> None:
        request = {"id": 1, "method": "system.listMethods", "params": []}
        response = user.post("/json", json=request, headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.json()["error"] is None

    def test_many_at_a_time(self, ui: WebUI, user: httpx.Client) -> None:
        """Several clients on separate connections, each with several requests."""

        def ask(_: int) -> list[Any]:
            with ui.user() as client:
                return [result(client, "web.update_ui", ["name"], {})["connected"] for _ in range(10)]

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(ask, range(16))) == [[True] * 10] * 16


class TestTorrents:
    def test_upload(self, user: httpx.Client, some_torrent: Torrent) -> None:
        (path,) = upload(user, some_torrent.file)
        assert Path(path).read_bytes() == some_torrent.file
        info = result(user, "web.get_torrent_info", path)
        assert (info["name"], info["info_hash"]) == (some_torrent.name, some_torrent.id)

    def test_upload_of_several_large_files(self, user: httpx.Client) -> None:
        files = [torrent(f"large-{number}", 2_000_000_000).file for number in range(3)]
        assert all(len(file) > 2_000_000 for file in files)
        assert [Path(path).read_bytes() for path in upload(user, *files)] == files

    def test_upload_of_nothing(self, user: httpx.Client) -> None:
        assert user.post("/upload", data={"other": "1"}).json() == {"success": False, "files": []}

    def test_added_and_removed(self, user: httpx.Client, some_torrent: Torrent) -> None:
        add(user, some_torrent)
        torrents = result(user, "web.update_ui", ["name", "total_size", "state"], {})["torrents"]
        assert torrents[some_torrent.id]["name"] == some_torrent.name
        assert torrents[some_torrent.id]["total_size"] == 3 * 16_384
        files = result(user, "web.get_torrent_files", some_torrent.id)
        assert list(files["contents"]) == [some_torrent.name]
        assert result(user, "core.remove_torrent", some_torrent.id, True) is True
        assert some_torrent.id not in result(user, "web.update_ui", ["name"], {})["torrents"]

    def test_magnet(self, user: httpx.Client, some_torrent: Torrent) -> None:
        link = f"magnet:?xt=urn:btih:{some_torrent.id}&dn=knot"
        assert result(user, "web.get_magnet_info", link)["name"] == "knot"
        assert result(user, "core.add_torrent_magnet", link, {"add_paused": True}) == some_torrent.id
        assert result(user, "core.remove_torrent", some_torrent.id, True) is True

    def test_download_by_its_url(self, ui: WebUI, user: httpx.Client) -> None:
        """The web UI sends a request to itself."""
        if ui.url.startswith("https"):
            pytest.skip("Deluge does not trust its own certificate")
        path = result(user, "web.download_torrent_from_url", f"{ui.url}/icons/deluge.png")
        assert Path(path).read_bytes() == installed("icons/deluge.png")

    def test_events(self, user: httpx.Client, some_torrent: Torrent) -> None:
        """A request that waits for events."""
        result(user, "web.register_event_listener", "TorrentAddedEvent")
        with ThreadPoolExecutor(1) as other:
            waiting = other.submit(result, user, "web.get_events")
            add(user, some_torrent)
            events = waiting.result() or result(user, "web.get_events")
        assert ["TorrentAddedEvent", [some_torrent.id, False]] in events
        result(user, "web.deregister_event_listener", "TorrentAddedEvent")
        assert result(user, "core.remove_torrent", some_torrent.id, True) is True


class TestClientsThatLeave:
    """Other clients are not affected, and the end of the fixture checks that nothing is logged."""

    def test_while_waiting(self, ui: WebUI, user: httpx.Client) -> None:
        result(user, "web.register_event_listener", "SessionPausedEvent")
        for _ in range(10):
            with ui.client() as client:
                client.cookies = user.cookies
                with pytest.raises(httpx.ReadTimeout):
                    client.post("/json", json=request("web.get_events"), timeout=0.2)
        assert result(user, "web.get_events") in (None, [])
        result(user, "web.deregister_event_listener", "SessionPausedEvent")
        assert result(user, "web.connected") is True

    def test_in_the_middle_of_a_script(self, ui: WebUI, client: httpx.Client) -> None:
        for _ in range(10):
            with ui.client() as leaving, leaving.stream("GET", "/js/ext-all.js") as response:
                assert next(response.iter_raw())
        assert client.get("/js/ext-all.js").content == installed("js/extjs/ext-all.js")

    def test_in_the_middle_of_an_upload(self, ui: WebUI, user: httpx.Client, some_torrent: Torrent) -> None:
        def broken() -> Iterator[bytes]:
            yield b"x" * 500_000
            raise InterruptedError

        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "1000000"}
        for _ in range(10):
            with ui.client() as client, pytest.raises(InterruptedError):
                client.post("/upload", content=broken(), headers=headers)
        assert upload(user, some_torrent.file)


def request(method: str, *params: Any) -> dict[str, Any]:
    return {"id": next(numbers), "method": method, "params": params}


def test_saved_configuration(tmp_path: Path) -> None:
    """Settings of a user are kept over a restart."""
    with running(tmp_path) as ui, ui.user() as user:
        result(user, "web.set_config", {"session_timeout": 1234})
    with running(tmp_path) as ui, ui.user() as user:
        assert result(user, "web.get_config")["session_timeout"] == 1234
    assert '"session_timeout": 1234' in (tmp_path / "web.conf").read_text()
    assert json.loads((tmp_path / "web.conf").read_text().partition("}")[0] + "}")["format"] == 1
