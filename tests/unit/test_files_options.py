"""The options of a folder of files."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, Files, FilesOptions
from ropewalk.errors import HandlerError, TreeError
from ropewalk.files import FOREVER
from ropewalk.files.content_codings import accepted_codings
from ropewalk.files.listing import LIMIT
from ropewalk.static_files import Static, static_url_in
from ropewalk.testing import Client, ClientResponse

OLD, NEW = 1_000_000_000, 1_000_000_001


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    public = tmp_path / "public"
    for name in (
        *("index.html", "app.js", "app.3f2a9c81.js", "style-0123456789ab.css", "photo-20240101.png", "logo.svg"),
        *("notes.log", "page.xyz", "räum.pdf", "assets/deep/a.js", "assets/b.css", "docs/page.html"),
    ):
        path = public / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return public


def client(folder: Any, **options: Any) -> Client:
    app = App()
    app.mount("/files", Files(folder, FilesOptions(**options)))
    return browser(app)


def browser(app: App) -> Client:
    """A client that leaves the precompressed files as they are, because their content here is only their name."""
    client = Client(app)
    client.decodes = False
    return client


def get(folder: Any, path: str, fields: dict[str, str] | None = None, **options: Any) -> ClientResponse:
    return client(folder, **options).get(f"/files/{path}", headers=fields or {})


class TestCacheControl:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("", "no-cache"),
            ("docs/page.html", "no-cache"),
            ("assets/b.css", "max-age=60"),
            ("assets/deep/a.js", "max-age=60"),
            ("app.js", None),
            ("app.3f2a9c81.js", FOREVER),
            ("style-0123456789ab.css", FOREVER),
            ("photo-20240101.png", None),
        ],
    )
    def test_by_pattern_and_by_hash(self, folder: Path, path: str, expected: str | None) -> None:
        patterns = {"*.html": "no-cache", "assets/*": "max-age=60", "*.css": FOREVER}
        response = get(folder, path, cache_control=patterns, hashed_names=True)
        assert response.headers.get("cache-control") == expected

    def test_none_by_default(self, folder: Path) -> None:
        for path in ("", "app.3f2a9c81.js"):
            assert "cache-control" not in get(folder, path).headers

    def test_of_a_304(self, folder: Path) -> None:
        served = client(folder, cache_control={"*": "no-cache"})
        tag = served.get("/files/app.js").headers["etag"]
        response = served.get("/files/app.js", headers={"if-none-match": tag})
        assert (response.status, response.headers["cache-control"]) == (304, "no-cache")


class TestTypes:
    def test_own_ones_and_charsets(self, folder: Path) -> None:
        options: dict[str, Any] = {"types": {".XYZ": "text/x-own", ".svg": "image/svg+xml; charset=utf-16"}}
        assert get(folder, "page.xyz", **options).headers["content-type"] == "text/x-own; charset=utf-8"
        assert get(folder, "logo.svg", **options).headers["content-type"] == "image/svg+xml; charset=utf-16"
        assert get(folder, "page.xyz").headers["content-type"] == "application/octet-stream"
        assert get(folder, "", charset="latin-1").headers["content-type"] == "text/html; charset=latin-1"
        assert get(folder, "", charset=None).headers["content-type"] == "text/html"

    def test_nosniff(self, folder: Path) -> None:
        assert get(folder, "app.js").headers["x-content-type-options"] == "nosniff"
        assert "x-content-type-options" not in get(folder, "app.js", nosniff=False).headers

    def test_downloads(self, folder: Path) -> None:
        """RFC 6266 and RFC 8187."""
        response = get(folder, "r%C3%A4um.pdf", downloads=["*.pdf"])
        assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''r%C3%A4um.pdf"
        assert "content-disposition" not in get(folder, "app.js", downloads=["*.pdf"]).headers


class TestPrecompressed:
    @pytest.fixture
    def folder(self, folder: Path) -> Path:
        for name in ("app.js", "logo.svg", "photo-20240101.png", "notes.log"):
            for ending in (".br", ".zst", ".gz"):
                (folder / f"{name}{ending}").write_text(f"{ending} of {name}")
                os.utime(folder / f"{name}{ending}", (NEW, NEW))
            os.utime(folder / name, (NEW, NEW))
        (folder / "notes.log.br").unlink()
        os.utime(folder / "notes.log.zst", (OLD, OLD))
        return folder

    @pytest.mark.parametrize(
        ("path", "accept", "coding"),
        [
            ("app.js", "gzip, deflate, br, zstd", "br"),
            ("app.js", "gzip, deflate", "gzip"),
            ("app.js", "br;q=0.1, gzip", "gzip"),
            ("app.js", "zstd", "zstd"),
            ("app.js", "*", "br"),
            ("app.js", "br;q=0, *", "zstd"),
            ("app.js", "deflate", None),
            ("app.js", "", None),
            ("app.js", None, None),
            ("app.js", "identity, br;q=0.5", None),
            ("logo.svg", "br", "br"),
            ("notes.log", "br, zstd, gzip", "gzip"),  # .br is missing, and .zst is too old
            ("photo-20240101.png", "br", None),
            ("assets/b.css", "br", None),
        ],
    )
    def test_by_negotiation(self, folder: Path, path: str, accept: str | None, coding: str | None) -> None:
        fields = {} if accept is None else {"accept-encoding": accept}
        response = get(folder, path, fields, precompressed=True)
        ending = {"br": ".br", "zstd": ".zst", "gzip": ".gz", None: ""}[coding]
        assert response.headers.get("content-encoding") == coding
        assert (response.headers.get("vary") == "Accept-Encoding") is (not path.endswith(".png"))
        assert response.headers["content-type"] == get(folder, path).headers["content-type"]
        served = client(folder, precompressed=True).get(f"/files/{path}", headers={**fields, "range": "bytes=0-3"})
        assert (served.status, served.body) == (206, (folder / f"{path}{ending}").read_bytes()[:4])

    def test_each_has_its_own_tag(self, folder: Path) -> None:
        served = client(folder, precompressed=True)
        tags = {}
        for coding in ("br", "zstd", "gzip", "identity"):
            response = served.get("/files/app.js", headers={"accept-encoding": coding})
            tags[coding] = response.headers["etag"]
        assert len(set(tags.values())) == 4
        fields = {"accept-encoding": "br", "if-none-match": tags["gzip"]}
        assert served.get("/files/app.js", headers=fields).status == 200
        fields = {"accept-encoding": "br", "if-none-match": tags["br"]}
        response = served.get("/files/app.js", headers=fields)
        assert (response.status, response.headers["vary"]) == (304, "Accept-Encoding")
        assert "content-encoding" not in response.headers

    def test_off_by_default(self, folder: Path) -> None:
        response = get(folder, "app.js", {"accept-encoding": "br"})
        assert (response.text, response.headers.get("vary")) == ("app.js", None)

    def test_links_are_not_followed(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        (folder / "app.js.br").unlink()
        (folder / "app.js.br").symlink_to(tmp_path / "secret")
        assert get(folder, "app.js", {"accept-encoding": "br"}, precompressed=True).text == "app.js"

    def test_static_files(self, folder: Path) -> None:
        app = App()
        app.mount("/static", Static(folder, FilesOptions(precompressed=True)))
        url = static_url_in(app, "app.js")
        plain, packed = (browser(app).get(url, headers={"accept-encoding": each}) for each in ("identity", "br"))
        assert packed.text == ".br of app.js"
        assert plain.headers["cache-control"] == packed.headers["cache-control"] == FOREVER
        assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-br"'


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, []),
        ("", []),
        ("gzip", ["gzip"]),
        ("GZIP", ["gzip"]),
        ("x-gzip", ["gzip"]),
        ("gzip, br", ["br", "gzip"]),
        ("gzip;q=1.0, br;q=0.9", ["gzip", "br"]),
        ("gzip;q=1.000, br ; q = 0.001", ["gzip", "br"]),
        ("*", ["br", "gzip"]),
        ("*;q=0", []),
        ("gzip, *;q=0", ["gzip"]),
        ("gzip;q=0, *", ["br"]),
        ("gzip;q=0", []),
        ("identity;q=0, gzip", ["gzip"]),
        ("identity;q=0.5, gzip;q=0.4, br;q=0.6", ["br"]),
        ("gzip;q=2", []),
        ("gzip;q=x", []),
        ("gzip;q=", []),
        ("gzip;level=1", ["gzip"]),
        (",,gzip,,", ["gzip"]),
        ("gzipped", []),
        ("gzip" + "," * 2000, []),
    ],
)
def test_accept_encoding(field: str | None, expected: list[str]) -> None:
    """RFC 9110, section 12.5.3."""
    assert accepted_codings(field, ("br", "gzip")) == expected


class TestFallback:
    @pytest.mark.parametrize("path", ["rooms", "rooms/7", "rooms/", "assets/", "r%C3%B6hre"])
    def test_paths_of_the_application(self, folder: Path, path: str) -> None:
        response = get(folder, path, fallback="index.html", cache_control={"index.html": "no-cache"})
        assert (response.status, response.text) == (200, "index.html")
        assert response.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("path", ["app.css", "rooms/7.json", ".git/config", "..%2Fa", ".git"])
    def test_other_paths(self, folder: Path, path: str) -> None:
        assert get(folder, path, fallback="index.html").status == 404

    def test_clients_that_want_something_else(self, folder: Path) -> None:
        assert get(folder, "rooms", {"accept": "application/json"}, fallback="index.html").status == 404
        assert get(folder, "rooms", {"accept": "text/html"}, fallback="index.html").status == 200

    def test_conditions(self, folder: Path) -> None:
        served = client(folder, fallback="index.html")
        tag = served.get("/files/rooms").headers["etag"]
        assert served.get("/files/rooms", headers={"if-none-match": tag}).status == 304

    def test_a_missing_fallback(self, folder: Path) -> None:
        assert get(folder, "rooms", fallback="none.html").status == 404

    def test_of_static(self, folder: Path) -> None:
        app = App()
        app.mount("/", Static(folder, FilesOptions(fallback="index.html")))
        response = Client(app).get("/rooms")
        assert (response.text, response.headers["cache-control"]) == ("index.html", "no-cache")


class TestErrorPages:
    def test_own_pages(self, folder: Path) -> None:
        response = get(folder, "none", {"range": "bytes=0-1", "if-match": '"x"'}, error_pages={404: "docs/page.html"})
        assert (response.status, response.text) == (404, "docs/page.html")
        assert response.headers["content-type"] == "text/html; charset=utf-8"

    def test_they_are_not_kept(self, folder: Path) -> None:
        options: dict[str, Any] = {"cache_control": {"*": FOREVER}, "downloads": ["*"]}
        response = get(folder, "none", error_pages={404: "docs/page.html"}, **options)
        assert (response.status, response.text) == (404, "docs/page.html")
        assert {"cache-control", "content-disposition", "etag"}.isdisjoint(response.headers)

    def test_a_missing_page(self, folder: Path) -> None:
        assert get(folder, "none", error_pages={404: "none.html"}).status == 404


class TestSeveralFolders:
    @pytest.fixture
    def folders(self, folder: Path, tmp_path: Path) -> list[Path]:
        own = tmp_path / "own"
        (own / "docs").mkdir(parents=True)
        (own / "app.js").write_text("own")
        (own / "docs" / "new.html").write_text("new")
        return [own, folder]

    def test_the_first_that_has_the_file(self, folders: list[Path]) -> None:
        served = client(folders)
        assert served.get("/files/app.js").text == "own"
        assert served.get("/files/").text == "index.html"
        assert served.get("/files/docs/page.html").text == "docs/page.html"
        assert served.get("/files/docs/new.html").text == "new"
        assert served.get("/files/assets").status == 308
        assert served.get("/files/none").status == 404

    def test_their_list(self, folders: list[Path]) -> None:
        response = get(folders, "docs/", {"accept": "application/json"}, listing=True)
        assert [each["name"] for each in response.json()["entries"]] == ["new.html", "page.html"]

    def test_none(self) -> None:
        with pytest.raises(TreeError, match=r"RW110 Files\(\[\]\) has no folder. Give at least one"):
            Files([])

    def test_one_that_is_missing(self, folder: Path) -> None:
        with pytest.raises(TreeError, match=r"RW110 Files\('nowhere'\)"):
            Files([folder, "nowhere"])


class TestListing:
    @pytest.fixture
    def folder(self, folder: Path, tmp_path: Path) -> Path:
        (folder / "index.html").unlink()
        (folder / ".secret").write_text("secret")
        (folder / "<b>&\"'.txt").write_text("x" * 1536)
        (folder / "javascript:alert(1)").write_text("")
        (folder / "b\\c#d?e%2f.txt").write_text("odd")
        (folder / "link").symlink_to(tmp_path)
        (folder / os.fsdecode(b"\xff.txt")).write_text("not UTF-8")
        os.mkfifo(folder / "pipe")
        return folder

    def test_off_by_default(self, folder: Path) -> None:
        assert get(folder, "").status == 404

    def test_html(self, folder: Path) -> None:
        served = client(folder, listing=True)
        response = served.get("/files/")
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["vary"] == "Accept"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        for name in (".secret", "link", "pipe", "not UTF-8", "<b>", 'href="../"'):
            assert name not in response.text
        links = re.findall(r'href="([^"]*)"', response.text)
        assert links[:2] == ["./assets/", "./docs/"]
        assert all(link.startswith("./") for link in links)
        for link in links:
            assert served.get(f"/files/{link[2:]}").status == 200
        assert "1.5 KiB" in response.text
        assert 'href="../"' in served.get("/files/docs/").text

    def test_json(self, folder: Path) -> None:
        os.utime(folder / "app.js", (OLD, OLD))
        response = get(folder, "", {"accept": "application/json"}, listing=True)
        assert response.headers["vary"] == "Accept"
        listed = response.json()
        assert (listed["path"], listed["complete"]) == ("/", True)
        names = [each["name"] for each in listed["entries"]]
        assert names[:4] == ["assets", "docs", "<b>&\"'.txt", "app.3f2a9c81.js"]
        entry = next(each for each in listed["entries"] if each["name"] == "app.js")
        assert entry == {"name": "app.js", "type": "file", "size": 6, "modified": OLD}
        assert listed["entries"][0].keys() == {"name", "type", "modified"}

    def test_the_order(self, tmp_path: Path) -> None:
        names = ["Z", "z9", "2.txt", "10.txt", "B", "a", "02.txt", "x1y2", "x1y10"]
        for name in names:
            (tmp_path / name).mkdir() if name in ("Z", "z9") else (tmp_path / name).touch()
        listed = get(tmp_path, "", {"accept": "application/json"}, listing=True).json()["entries"]
        order = ["Z", "z9", "02.txt", "2.txt", "10.txt", "a", "B", "x1y2", "x1y10"]
        assert [each["name"] for each in listed] == order

    def test_what_has_none(self, folder: Path) -> None:
        served = client(folder, listing=True)
        for path in ("none/", "link/", ".secret/", "app.js/", "docs/page.html/"):
            assert served.get(f"/files/{path}").status == 404
        assert served.get("/files/docs").status == 308

    def test_an_index_comes_first(self, folder: Path) -> None:
        (folder / "index.html").write_text("index")
        assert get(folder, "", listing=True).text == "index"

    def test_a_large_folder(self, tmp_path: Path) -> None:
        many = tmp_path / "many"
        many.mkdir()
        for number in range(LIMIT + 1):
            (many / f"{number}").touch()
        listed = json.loads(get(many, "", {"accept": "application/json"}, listing=True).body)
        assert (len(listed["entries"]), listed["complete"]) == (LIMIT, False)
        assert f"more than {LIMIT} names" in get(many, "", listing=True).text

    def test_head(self, folder: Path) -> None:
        response = client(folder, listing=True).head("/files/")
        assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cache_control": {"*": "a\nb"}}, r"cache_control cannot be 'a\\nb'"),
        ({"cache_control": {"": "a"}}, "cache_control cannot be ''"),
        ({"types": {"log": "text/plain"}}, "types cannot be 'log'"),
        ({"types": {".log": "é"}}, "types cannot be 'é'"),
        ({"error_pages": {500: "a.html"}}, "error_pages cannot be 500"),
        ({"error_pages": {404: "../a.html"}}, "error_pages cannot be '../a.html'"),
        ({"fallback": "/index.html"}, "fallback cannot be '/index.html'"),
        ({"fallback": ""}, "fallback cannot be ''"),
        ({"charset": "utf-8\n"}, r"charset cannot be 'utf-8\\n'"),
        ({"charset": "klingon"}, "charset cannot be 'klingon'"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HandlerError, match=rf"RW230 FilesOptions: {message} \(\S+test_files_options.py"):
        FilesOptions(**options)


def test_options_of_another_kind(folder: Path) -> None:
    wrong: Any = {"listing": True}
    with pytest.raises(HandlerError, match=r"RW232 .*FilesOptions\(\.\.\.\)"):
        Files(folder, wrong)
