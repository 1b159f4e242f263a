"""A folder of files whose URLs have a hash of the content."""

import os
import re
from pathlib import Path

import pytest

from ropewalk import App
from ropewalk.errors import TreeError
from ropewalk.static_files import HASHED_SIZE, Static, static_url_in
from ropewalk.testing import Client

YEAR = "public, max-age=31536000, immutable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of a site."""
    public = tmp_path / "public"
    (public / "css").mkdir(parents=True)
    (public / "css" / "site.css").write_text("body {}")
    (public / "LICENSE").write_text("MIT")
    (public / "archive.tar.gz").write_text("gz")
    (public / ".secret").write_text("secret")
    (public / "index.html").write_text("index")
    (tmp_path / "outside.txt").write_text("outside")
    (public / "link.txt").symlink_to(tmp_path / "outside.txt")
    return public


@pytest.fixture
def app(folder: Path) -> App:
    """An app that serves the files at /static."""
    app = App()
    app.mount("/static", Static(folder))
    return app


class TestURLs:
    @pytest.mark.parametrize(
        ("name", "pattern"),
        [
            ("css/site.css", r"/static/css/site\.[0-9a-f]{12}\.css"),
            ("LICENSE", r"/static/LICENSE\.[0-9a-f]{12}"),
            ("archive.tar.gz", r"/static/archive\.tar\.[0-9a-f]{12}\.gz"),
        ],
    )
    def test_they_have_a_hash_and_are_kept_for_a_year(self, app: App, folder: Path, name: str, pattern: str) -> None:
        url = static_url_in(app, name)
        assert re.fullmatch(pattern, url)
        response = Client(app).get(url)
        assert (response.status, response.body) == (200, (folder / name).read_bytes())
        assert response.headers["cache-control"] == YEAR
        plain = Client(app).get(f"/static/{name}")
        assert response.headers["content-type"] == plain.headers["content-type"]

    def test_equal_files_have_equal_hashes(self, app: App, folder: Path) -> None:
        before = static_url_in(app, "css/site.css")
        os.utime(folder / "css" / "site.css", (1, 1))
        assert static_url_in(app, "css/site.css") == before

    def test_a_changed_file_has_another_url(self, app: App, folder: Path) -> None:
        before = static_url_in(app, "css/site.css")
        (folder / "css" / "site.css").write_text("body { color: red }")
        after = static_url_in(app, "css/site.css")
        assert after != before
        client = Client(app)
        assert client.get(after).headers["cache-control"] == YEAR
        old = client.get(before)
        assert (old.text, old.headers["cache-control"]) == ("body { color: red }", "no-cache")

    def test_a_changed_file_with_the_same_size_and_time(self, app: App, folder: Path) -> None:
        file = folder / "css" / "site.css"
        os.utime(file, (1, 1))
        before = static_url_in(app, "css/site.css")
        file.write_text("i { }  "[:7])
        os.utime(file, (1, 1))
        assert file.stat().st_size == 7
        assert static_url_in(app, "css/site.css") != before

    def test_a_large_file_is_identified_by_size_and_time(self, app: App, folder: Path) -> None:
        large = folder / "film.webm"
        with large.open("wb") as file:
            file.truncate(HASHED_SIZE + 1)
        before = static_url_in(app, "film.webm")
        os.utime(large, (1, 1))
        assert static_url_in(app, "film.webm") != before

    @pytest.mark.parametrize(
        "name", ["nothing.css", "css", "../outside.txt", ".secret", "link.txt", "", "a\0b", "/LICENSE"]
    )
    def test_what_has_no_url(self, app: App, name: str) -> None:
        with pytest.raises(LookupError):
            static_url_in(app, name)

    def test_the_first_resource_that_has_the_file(self, tmp_path: Path, app: App) -> None:
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "LICENSE").write_text("other")
        (tmp_path / "more" / "only.txt").write_text("only")
        app.mount("/more", Static(tmp_path / "more"))
        assert static_url_in(app, "LICENSE").startswith("/more/")
        assert static_url_in(app, "css/site.css").startswith("/static/")
        assert static_url_in(app, "only.txt").startswith("/more/")


class TestPlainNames:
    def test_they_are_revalidated(self, app: App) -> None:
        client = Client(app)
        response = client.get("/static/css/site.css")
        assert (response.text, response.headers["cache-control"]) == ("body {}", "no-cache")
        tag = response.headers["etag"]
        again = client.get("/static/css/site.css", headers={"If-None-Match": f'"other", W/{tag}'})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "no-cache"
        assert client.get("/static/css/site.css", headers={"If-None-Match": '"other"'}).status == 200

    def test_head(self, app: App) -> None:
        response = Client(app).head("/static/css/site.css")
        assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "7")

    def test_the_index_of_a_folder(self, app: App) -> None:
        response = Client(app).get("/static/")
        assert (response.text, response.headers["cache-control"]) == ("index", "no-cache")
        assert "etag" in response.headers

    def test_the_path_of_a_folder_is_redirected(self, app: App) -> None:
        response = Client(app).get("/static/css")
        assert (response.status, response.headers["location"]) == (308, "/static/css/")

    def test_a_file_whose_own_name_looks_hashed(self, app: App, folder: Path) -> None:
        (folder / "app.0123456789ab.js").write_text("bundled")
        response = Client(app).get("/static/app.0123456789ab.js")
        assert (response.text, response.headers["cache-control"]) == ("bundled", "no-cache")
        hashed = Client(app).get(static_url_in(app, "app.0123456789ab.js"))
        assert (hashed.text, hashed.headers["cache-control"]) == ("bundled", YEAR)

    @pytest.mark.parametrize(
        "path",
        [
            "nothing.0123456789ab.css",
            ".secret",
            ".secret.0123456789ab",
            "link.txt",
            "link.0123456789ab.txt",
            "..%2Foutside.txt",
            "%2e%2e/outside.0123456789ab.txt",
            "css%2Fsite.css",
            "css/",
        ],
    )
    def test_what_is_not_served(self, app: App, path: str) -> None:
        assert Client(app).get(f"/static/{path}").status == 404


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="RW110 Static"):
        Static(tmp_path / "nowhere")
