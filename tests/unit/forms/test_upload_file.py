"""Files of forms: where their content is, how it is read and saved, and when it is deleted."""

import asyncio
import os
import tempfile
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.unit.forms.bodies import body, file, parse

from ropewalk.errors import HandlerError
from ropewalk.forms import FormData, FormLimits, upload_file
from ropewalk.forms.saving import save_atomically

CONTENT = bytes(range(256)) * 2000  # more than `spool_limit`
SMALL = b"small"


@pytest.fixture
def form() -> Any:
    made = parse(body(file("small", "s.txt", SMALL), file("large", "l.bin", CONTENT)), size=10_000)
    yield made
    made.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - pathlib would keep a descriptor open meanwhile


class TestContent:
    @pytest.mark.parametrize(("name", "content"), [("small", SMALL), ("large", CONTENT)])
    def test_it_is_read_in_parts_or_whole(self, form: FormData, name: str, content: bytes) -> None:
        async def read() -> None:
            upload = form.files[name]
            assert await upload.read(3) == content[:3]
            assert await upload.read() == content[3:]
            assert await upload.read() == b""
            upload.seek(1)
            assert await upload.read(2) == content[1:3]
            upload.seek(0)
            assert b"".join([part async for part in upload]) == content

        asyncio.run(read())

    @pytest.mark.parametrize(("name", "content"), [("small", SMALL), ("large", CONTENT)])
    def test_it_can_be_opened_as_a_file(self, form: FormData, name: str, content: bytes) -> None:
        with form.files[name].open() as opened:
            assert opened.read() == content
            assert opened.seek(-2, os.SEEK_END) == len(content) - 2
            assert opened.read() == content[-2:]
            assert opened.seek(1) == opened.tell() == 1
        with form.files[name].open() as again:
            assert again.read(1) == content[:1]
            with pytest.raises(ValueError, match="negative"):
                again.seek(-1)

    def test_a_position_is_not_negative(self, form: FormData) -> None:
        with pytest.raises(ValueError, match="negative"):
            form.files["small"].seek(-1)

    def test_small_forms_stay_in_memory_and_large_ones_use_one_descriptor(self) -> None:
        before = open_descriptors()
        small = parse(body(*[file("a", "a", b"x")] * 500))
        assert open_descriptors() == before
        large = parse(body(*[file("a", "a", b"x" * 1000)] * 500))
        assert open_descriptors() == before + 1
        large.close()
        small.close()
        assert open_descriptors() == before

    def test_a_temporary_file_has_no_name(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        form = parse(body(file("a", "a", CONTENT)))
        assert list(tmp_path.iterdir()) == []
        form.close()

    def test_a_form_over_a_limit_leaves_no_descriptor(self) -> None:
        before = open_descriptors()
        with pytest.raises(Exception, match="larger"):
            parse(body(file("a", "a", CONTENT)), FormLimits(file_limit=400_000), size=1000)
        assert open_descriptors() == before


class TestClosing:
    def test_a_closed_file_cannot_be_read(self, form: FormData, tmp_path: Path) -> None:
        upload = form.files["large"]
        form.close()

        async def use(which: str) -> None:
            if which == "read":
                await upload.read()
            else:
                await upload.save(tmp_path / "a")

        for which in ("read", "save"):
            with pytest.raises(HandlerError, match="RW276"):
                asyncio.run(use(which))
        with pytest.raises(HandlerError, match="RW276"):
            upload.open().read()

    def test_a_file_is_saved_completely_if_it_is_closed_meanwhile(
        self, form: FormData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = Event()

        def save_later(*given: Any, **options: Any) -> None:
            closed.wait()
            save_atomically(*given, **options)

        monkeypatch.setattr(upload_file, "save_atomically", save_later)

        async def save() -> None:
            wait = form.files["large"].save(tmp_path / "a")
            form.close()
            closed.set()
            await wait

        asyncio.run(save())
        assert (tmp_path / "a").read_bytes() == CONTENT


class TestSave:
    def save(self, form: FormData, path: Any, **options: Any) -> None:
        async def save() -> None:
            await form.files["large"].save(path, **options)

        asyncio.run(save())

    @pytest.mark.parametrize("fsync", [False, True])
    def test_the_file_appears_whole(self, form: FormData, tmp_path: Path, fsync: bool) -> None:
        (tmp_path / "a").write_bytes(b"before")
        self.save(form, tmp_path / "a", fsync=fsync)
        assert (tmp_path / "a").read_bytes() == CONTENT
        assert [each.name for each in tmp_path.iterdir()] == ["a"]

    def test_its_permissions_are_those_of_a_new_file(self, form: FormData, tmp_path: Path) -> None:
        (tmp_path / "new").touch()
        self.save(form, str(tmp_path / "a"))
        assert (tmp_path / "a").stat().st_mode == (tmp_path / "new").stat().st_mode

    def test_an_existing_file_can_be_kept(self, form: FormData, tmp_path: Path) -> None:
        self.save(form, tmp_path / "a", overwrite=False)
        (tmp_path / "a").write_bytes(b"kept")
        with pytest.raises(FileExistsError):
            self.save(form, tmp_path / "a", overwrite=False)
        assert (tmp_path / "a").read_bytes() == b"kept"
        assert [each.name for each in tmp_path.iterdir()] == ["a"]

    @pytest.mark.parametrize("path", ["", "/", ".", "sub", "sub/"])
    def test_a_folder_is_refused(
        self, form: FormData, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "sub").mkdir()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(HandlerError, match="RW277"):
            self.save(form, path)

    def test_a_folder_that_does_not_exist_is_an_error(self, form: FormData, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=f"'{tmp_path}/none'$"):
            self.save(form, tmp_path / "none" / "a")
        (tmp_path / "file").touch()
        with pytest.raises(NotADirectoryError, match=f"'{tmp_path}/file/a'$"):
            self.save(form, tmp_path / "file" / "a")

    def test_a_link_is_replaced_not_followed(self, form: FormData, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"secret")
        (tmp_path / "a").symlink_to(tmp_path / "secret")
        self.save(form, tmp_path / "a")
        assert (tmp_path / "secret").read_bytes() == b"secret"
        assert not (tmp_path / "a").is_symlink()

    def test_a_failed_save_leaves_nothing(
        self, form: FormData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError("disk")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="disk"):
            self.save(form, tmp_path / "a", fsync=True)
        assert list(tmp_path.iterdir()) == []

    def test_a_cancelled_wait_does_not_stop_the_save(self, form: FormData, tmp_path: Path) -> None:
        saved = Event()

        async def save() -> None:
            wait = form.files["large"].save(tmp_path / "a")
            wait.addErrback(lambda _: None)
            wait.cancel()
            form.close()
            while not form._spool._file.closed:  # type: ignore[union-attr]
                await asyncio.sleep(0)
            saved.set()

        asyncio.run(save())
        assert saved.is_set()
        assert (tmp_path / "a").read_bytes() == CONTENT
