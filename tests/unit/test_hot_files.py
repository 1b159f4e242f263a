"""Small files that are kept in memory."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, Files, FilesOptions
from ropewalk.files import hot_files
from ropewalk.files.hot_files import LARGEST, HotFiles
from ropewalk.files.served_folder import ServedFolder
from ropewalk.middleware import ConditionalOptions, conditional
from ropewalk.open_files import OpenFile
from ropewalk.testing import Client

MEMORY = 100_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file. Files count as settled at once."""
    monkeypatch.setattr(hot_files, "time", lambda: time.time() + 10)
    folder = tmp_path / "public"
    (folder / "docs").mkdir(parents=True)
    (folder / "a.txt").write_text("first")
    (folder / "docs" / "b.txt").write_text("0123456789" * 100)
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were opened."""
    paths: list[str] = []
    original = ServedFolder.open

    def open_and_note(served: ServedFolder, path: str) -> int:
        paths.append(path)
        return original(served, path)

    monkeypatch.setattr(ServedFolder, "open", open_and_note)
    return paths


def serve(folder: Path, *middleware: Any, **options: Any) -> Client:
    app = App(middleware=middleware)
    app.mount("/", Files(folder, FilesOptions(**options)))
    return Client(app)


class TestUse:
    def test_it_is_opened_once(self, folder: Path, opened: list[str]) -> None:
        client = serve(folder)
        responses = [client.get("/a.txt") for _ in range(3)]
        assert opened == ["a.txt"]
        assert {each.text for each in responses} == {"first"}
        assert len({str(each.headers) for each in responses}) <= 2  # they have a date

    def test_it_is_like_one_from_the_file_system(self, folder: Path) -> None:
        kept, opened = serve(folder), serve(folder, memory=0)
        kept.get("/docs/b.txt")
        tag = opened.get("/docs/b.txt").headers["etag"]
        for method, fields in (
            ("GET", {}),
            ("HEAD", {}),
            ("GET", {"range": "bytes=5-99"}),
            ("GET", {"range": "bytes=5000-"}),
            ("GET", {"if-none-match": tag}),
            ("GET", {"if-match": '"x"'}),
            ("GET", {"range": "bytes=5-", "if-range": tag}),
        ):
            ours, theirs = (each.request(method, "/docs/b.txt", headers=fields) for each in (kept, opened))
            assert (ours.status, ours.body) == (theirs.status, theirs.body)
            assert {**ours.headers, "date": ""} == {**theirs.headers, "date": ""}
        several = kept.get("/docs/b.txt", headers={"range": "bytes=0-4,500-504"})
        assert several.body.count(b"01234") == 2

    def test_off(self, folder: Path, opened: list[str]) -> None:
        client = serve(folder, memory=0)
        for _ in range(2):
            client.get("/a.txt")
        assert opened == ["a.txt", "a.txt"]

    def test_a_middleware_without_tags(self, folder: Path) -> None:
        files = Files(folder)
        apps = [App(), App(middleware=[conditional(ConditionalOptions(files=False))])]
        for app in apps:
            app.mount("/", files)
        tagged = ["etag" in Client(app).get("/a.txt").headers for app in (apps[0], apps[1], apps[0])]
        assert tagged == [True, False, True]

    def test_what_is_not_kept(self, folder: Path, opened: list[str]) -> None:
        (folder / "large.bin").write_bytes(bytes(LARGEST + 1))
        client = serve(folder)
        for path in ("/large.bin", "/none", "/docs"):
            for _ in range(2):
                client.get(path)
        assert opened == ["large.bin", "large.bin", "none", "none", "docs", "docs"]

    def test_a_file_that_has_just_changed_is_not_kept(
        self, folder: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hot_files, "time", time.time)
        client = serve(folder)
        for text in ("other", "third"):  # of the same size
            (folder / "a.txt").write_text(text)
            assert client.get("/a.txt").text == text
        assert opened == ["a.txt", "a.txt"]


def _rewritten(folder: Path) -> None:
    (folder / "a.txt").write_text("other")  # of the same size


def _with_its_former_time(folder: Path) -> None:
    status = (folder / "a.txt").stat()
    (folder / "a.txt").write_text("other")
    os.utime(folder / "a.txt", ns=(status.st_atime_ns, status.st_mtime_ns))


def _replaced(folder: Path) -> None:
    status = (folder / "a.txt").stat()
    (folder / "new").write_text("other")
    os.utime(folder / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "new").rename(folder / "a.txt")


class TestChanges:
    @pytest.mark.parametrize("change", [_rewritten, _with_its_former_time, _replaced])
    def test_other_content(self, folder: Path, change: Any) -> None:
        client = serve(folder)
        first = client.get("/a.txt")
        change(folder)
        second = client.get("/a.txt", headers={"if-none-match": first.headers["etag"]} if change is _rewritten else {})
        assert (second.status, second.text) == (200, "other")

    def test_removed_and_made_again(self, folder: Path) -> None:
        client = serve(folder)
        assert client.get("/a.txt").text == "first"
        (folder / "a.txt").unlink()
        assert client.get("/a.txt").status == 404
        (folder / "a.txt").write_text("other")
        assert client.get("/a.txt").text == "other"

    def test_a_link_instead(self, folder: Path) -> None:
        client = serve(folder)
        assert client.get("/a.txt").text == "first"
        (folder / "a.txt").rename(folder.parent / "a.txt")
        (folder / "a.txt").symlink_to(folder.parent / "a.txt")
        assert client.get("/a.txt").status == 404

    def test_a_link_instead_of_its_folder(self, folder: Path) -> None:
        client = serve(folder)
        assert client.get("/docs/b.txt").status == 200
        (folder / "docs").rename(folder.parent / "docs")
        (folder / "docs").symlink_to(folder.parent / "other")
        (folder.parent / "other").mkdir()
        (folder.parent / "other" / "b.txt").write_text("0123456789" * 100)
        assert client.get("/docs/b.txt").status == 404

    def test_another_folder(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to(folder)
        client = serve(tmp_path / "current")
        assert client.get("/a.txt").text == "first"
        (tmp_path / "next").mkdir()
        (tmp_path / "next" / "a.txt").write_text("other")
        (tmp_path / "current").unlink()
        (tmp_path / "current").symlink_to(tmp_path / "next")
        assert client.get("/a.txt").text == "other"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_not_readable_any_more(self, folder: Path) -> None:
        client = serve(folder)
        assert client.get("/a.txt").text == "first"
        (folder / "a.txt").chmod(0)
        assert client.get("/a.txt").status == 403

    def test_while_it_is_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that changes between the two system calls is not kept, and is not sent under the tag of the other."""
        path = folder / "a.txt"
        file = OpenFile(os.open(path, os.O_RDONLY))
        status = os.fstat(file.fd)
        path.write_text("other")
        assert HotFiles(MEMORY).keep(str(path), file, status) is file
        path.write_text("longer")
        assert HotFiles(MEMORY).keep(str(path), file, status) is file


class TestBounds:
    @pytest.fixture
    def paths(self, folder: Path) -> list[str]:
        paths = [folder / str(number) for number in range(5)]
        for path in paths:
            path.write_bytes(bytes(30_000))
        return list(map(str, paths))

    def keep(self, hot: HotFiles, path: str) -> None:
        file = OpenFile(os.open(path, os.O_RDONLY))
        hot.keep(path, file, os.fstat(file.fd))

    def test_the_file_that_was_not_used_the_longest_goes(self, paths: list[str]) -> None:
        hot = HotFiles(MEMORY)
        for path in paths[:3]:
            self.keep(hot, path)
        assert hot.find(paths[0]) is not None
        self.keep(hot, paths[3])
        assert [hot.find(path) is not None for path in paths] == [True, False, True, True, False]

    def test_the_size_is_counted(self, paths: list[str]) -> None:
        hot = HotFiles(MEMORY)
        for _ in range(3):
            for path in paths:
                self.keep(hot, path)
                self.keep(hot, path)
            Path(paths[0]).write_bytes(bytes(10))
            hot.find(paths[0])
        assert hot._size == sum(file.size for _, file in hot._kept.values()) <= MEMORY

    def test_a_file_larger_than_the_memory(self, paths: list[str]) -> None:
        hot = HotFiles(10)
        self.keep(hot, paths[0])
        assert hot.find(paths[0]) is None
