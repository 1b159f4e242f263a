"""A folder of files."""

import gc
import os
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from ropewalk import App, Files
from ropewalk.errors import TreeError
from ropewalk.testing import Client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, folders, and things that must not be served."""
    public = tmp_path / "public"
    (public / "docs" / "deep").mkdir(parents=True)
    (public / ".well-known").mkdir()
    (public / "empty").mkdir()
    (public / "index.html").write_text("index")
    (public / "a b.txt").write_text("blank")
    (public / "docs" / "index.html").write_text("docs")
    (public / "docs" / "deep" / "page.html").write_text("deep")
    (public / ".secret").write_text("secret")
    (public / ".well-known" / "security.txt").write_text("contact")
    (tmp_path / "outside.txt").write_text("outside")
    (public / "link.txt").symlink_to(tmp_path / "outside.txt")
    (public / "inner.txt").symlink_to("index.html")
    (public / "up").symlink_to(tmp_path)
    os.mkfifo(public / "pipe")
    with socket(AF_UNIX) as server:
        server.bind(str(public / "socket"))
    return public


@pytest.fixture
def client(folder: Path) -> Client:
    """An app that serves the files at /files."""
    app = App()
    app.mount("/files", Files(folder))
    return Client(app)


class TestServed:
    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("/files/", "index"),
            ("/files/index.html", "index"),
            ("/files/a%20b.txt", "blank"),
            ("/files/docs/", "docs"),
            ("/files/docs/deep/page.html", "deep"),
            ("/files/.well-known/security.txt", "contact"),
        ],
    )
    def test_files_and_indexes(self, client: Client, path: str, text: str) -> None:
        response = client.get(path)
        assert (response.status, response.text) == (200, text)

    def test_types_and_heads(self, client: Client) -> None:
        assert client.get("/files/a%20b.txt").headers["content-type"] == "text/plain; charset=utf-8"
        response = client.head("/files/docs/")
        assert (response.body, response.headers["content-length"]) == (b"", "4")
        assert response.headers["content-type"] == "text/html; charset=utf-8"

    def test_a_time_that_is_still_to_come(self, client: Client, folder: Path) -> None:
        """If a file was changed in the future, its Last-Modified is the Date of the response (RFC 9110, section
        8.8.2.1)."""
        os.utime(folder / "index.html", (10_000_000_000, 10_000_000_000))
        response = client.get("/files/")
        assert (response.status, response.headers["last-modified"]) == (200, response.headers["date"])

    def test_folders_get_their_slash(self, client: Client) -> None:
        for path, location in (("/files", "/files/"), ("/files/docs?a=1", "/files/docs/?a=1")):
            response = client.get(path)
            assert (response.status, response.headers["location"]) == (308, location)

    def test_never_to_another_host(self, folder: Path) -> None:
        (folder / "evil.example").mkdir()
        client = Client(Files(folder))
        assert client.get("//evil.example").status == 404

    def test_other_methods(self, client: Client) -> None:
        response = client.post("/files/index.html")
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")

    def test_at_the_root_and_below_routes(self, folder: Path) -> None:
        app = App()
        app.mount("/", Files(folder))
        app.get("/hello")(lambda request: "route")
        client = Client(app)
        assert client.get("/").text == "index"
        assert client.get("/hello").text == "route"
        assert client.get("/docs/deep/page.html").text == "deep"

    def test_another_index(self, folder: Path) -> None:
        assert Client(Files(folder, index="a b.txt")).get("/").text == "blank"

    def test_the_folder_itself_may_be_a_link(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to(folder)
        assert Client(Files(tmp_path / "current")).get("/docs/").text == "docs"

    def test_a_link_to_the_folder_that_is_switched(self, folder: Path, tmp_path: Path) -> None:
        current, other = tmp_path / "current", tmp_path / "other"
        current.symlink_to(folder)
        client = Client(Files(current))
        assert client.get("/").text == "index"
        other.mkdir()
        (other / "index.html").write_text("other")
        (tmp_path / "next").symlink_to(other)
        (tmp_path / "next").rename(current)
        assert client.get("/").text == "other"
        current.unlink()
        assert client.get("/").status == 404
        current.symlink_to(folder)
        assert client.get("/").text == "index"

    def test_descriptors_are_closed(self, folder: Path) -> None:
        def opened() -> list[str]:
            links = [f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names, not paths
            return [path for each in links if (path := os.path.realpath(each)).startswith(str(folder))]

        client = Client(Files(folder))
        for path in ("/", "/docs", "/pipe", "/socket", "/none", "/link.txt", "/index.html/"):
            client.get(path)
        assert opened() == [str(folder)]
        client.close()
        del client
        gc.collect()
        assert opened() == []

    def test_what_is_new_is_served(self, client: Client, folder: Path) -> None:
        assert client.get("/files/new.txt").status == 404
        (folder / "new.txt").write_text("new")
        assert client.get("/files/new.txt").text == "new"


class TestNotServed:
    @pytest.mark.parametrize(
        "path",
        [
            "/files/none",
            "/files/none/deeper",
            "/files/index.html/",
            "/files/index.html/deeper",
            "/files/empty/",
            "/files/.secret",
            "/files/docs/.hidden/page.html",
            "/files/../outside.txt",
            "/files/%2e%2e/outside.txt",
            "/files/..%2foutside.txt",
            "/files/docs/../../outside.txt",
            "/files//etc/passwd",
            "/files/%2fetc%2fpasswd",
            "/files/./index.html",
            "/files/docs//index.html",
            "/files/link.txt",
            "/files/inner.txt",
            "/files/up/outside.txt",
            "/files/up/public/index.html",
            "/files/pipe",
            "/files/socket",
            "/files/" + "x" * 300,
        ],
    )
    def test_it_is_404(self, client: Client, path: str) -> None:
        assert client.get(path).status == 404

    @pytest.mark.parametrize("path", ["/files/%00", "/files/index.html%00.txt", "/files/%ff"])
    def test_it_is_400(self, client: Client, path: str) -> None:
        assert client.get(path).status == 400

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read_is_403(self, client: Client, folder: Path) -> None:
        (folder / "docs" / "index.html").chmod(0)
        assert client.get("/files/docs/").status == 403


class TestMistakes:
    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(TreeError, match=rf"RW110 Files\('nofolder'\): {Path.cwd()}/nofolder does not exist."):
            Files("nofolder")

    def test_a_file(self, folder: Path) -> None:
        with pytest.raises(TreeError, match=r"RW110 .*index.html is not a folder."):
            Files(folder / "index.html")
