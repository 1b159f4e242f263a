"""The bodies that test clients send: bytes, text, JSON, forms and files."""

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from mimetypes import guess_type
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, Final

from ropewalk.headers import Headers
from ropewalk.response import JSON, encode_json
from ropewalk.url_encoding import Parameters, encode_parameters, text_pairs

Body = bytes | str | Iterable[bytes | str] | AsyncIterable[bytes | str]

FileContent = bytes | str | Path | IO[bytes]
File = FileContent | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
Files = Mapping[str, File | list[File]] | Iterable[tuple[str, File]]

FORM: Final = "application/x-www-form-urlencoded"

_PART: Final = 1 << 16
"""The number of bytes of a file that are read at once."""
_IN_QUOTES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""The escapes for special characters that browsers use in field and file names of forms (WHATWG HTML, section
4.10.22.8)."""


class MultipartBody:
    """A form with files (RFC 7578). Files are read part by part while the form is sent."""

    def __init__(self, fields: Parameters, files: Files) -> None:
        self._boundary = f"ropewalk-{token_hex(16)}"
        self._parts: list[tuple[bytes, FileContent, int | None]] = []
        """The head and the content of each part, and the position at which its file begins, if the file can seek."""
        self.length: int | None = len(self._end)
        """The length of the body in bytes; None if the length of a file is not known before the file is read."""
        for name, value in text_pairs("data", fields):
            self._add(name, value, None, None)
        for name, file in files.items() if isinstance(files, Mapping) else files:
            for each in file if isinstance(file, list) else [file]:
                self._add_file(name, each)

    @property
    def content_type(self) -> str:
        """The Content-Type, with the boundary."""
        return f"multipart/form-data; boundary={self._boundary}"

    @property
    def repeatable(self) -> bool:
        """Whether the body can be sent again, because all its files can seek."""
        return all(isinstance(content, bytes | str | Path) or start is not None for _, content, start in self._parts)

    def __iter__(self) -> Iterator[bytes]:
        for head, content, start in self._parts:
            yield head
            if isinstance(content, bytes):
                yield content
            elif isinstance(content, Path):
                with content.open("rb") as file:
                    yield from _read(file)
            elif not isinstance(content, str):
                if start is not None:
                    content.seek(start)
                yield from _read(content)
            yield b"\r\n"
        yield self._end

    @property
    def _end(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()

    def _add_file(self, name: str, file: File) -> None:
        file_name, content, kind = (
            (*file, None)[:3] if isinstance(file, tuple) else (_file_name(name, file), file, None)
        )
        if not isinstance(content, bytes | str | Path) and not hasattr(content, "read"):
            raise TypeError(
                f"The file {name!r} of files= is of type {type(content).__name__}, not bytes, str, a Path or a binary "
                "file. Give one of these, or (file name, content) or (file name, content, Content-Type)."
            )
        if file_name is not None and kind is None:
            kind = guess_type(file_name)[0] or "application/octet-stream"
        self._add(name, content, file_name, kind)

    def _add(self, name: str, content: FileContent, file_name: str | None, kind: str | None) -> None:
        disposition = f'form-data; name="{name.translate(_IN_QUOTES)}"'
        if file_name is not None:
            disposition += f'; filename="{file_name.translate(_IN_QUOTES)}"'
        head = f"--{self._boundary}\r\nContent-Disposition: {disposition}\r\n"
        if kind is not None:
            head += f"Content-Type: {Headers({'content-type': kind})['content-type']}\r\n"  # Headers checks the value
        if isinstance(content, str):
            content = content.encode()
        written = f"{head}\r\n".encode()
        length, start = _measure(content)
        self._parts.append((written, content, start))
        if self.length is not None:
            self.length = None if length is None else self.length + len(written) + length + len(b"\r\n")


def make_body(
    body: Body | None, json: Any, data: Parameters | None, files: Files | None
) -> tuple[Body | MultipartBody | None, str | None]:
    """Make the body and its Content-Type from the arguments of a request. Raises TypeError for an argument of a wrong
    type."""
    given = [
        name
        for name, value in (("body=", body), ("json=", json), ("data= or files=", data if files is None else files))
        if value is not None
    ]
    if len(given) > 1:
        raise TypeError(f"A request has one body, not {' and '.join(given)}. Leave out all but one.")
    if json is not None:
        return encode_json(json), JSON
    if isinstance(data, str | bytes):
        raise TypeError(
            f"data= is of type {type(data).__name__}. It must be a form: a mapping or pairs. Use body= instead."
        )
    if files is not None:
        form = MultipartBody(() if data is None else data, files)
        return form, form.content_type
    if data is not None:
        return encode_parameters("data", data).encode(), FORM
    if isinstance(body, Mapping):
        kind = type(body).__name__
        raise TypeError(f"body= is of type {kind}. Use json= to send it as JSON, or data= to send it as a form.")
    if body is not None and not isinstance(body, bytes | str | Iterable | AsyncIterable):
        raise TypeError(f"body= is of type {type(body).__name__}, not str, bytes or an iterable of them.")
    return body, None


def is_repeatable(body: Body | MultipartBody | None) -> bool:
    """Whether a body can be sent again. An iterator cannot, because it can be read only once."""
    if isinstance(body, MultipartBody):
        return body.repeatable
    return not isinstance(body, Iterator | AsyncIterator)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(_PART):
        if not isinstance(part, bytes):
            raise TypeError(f'A file of files= yields {type(part).__name__}, not bytes. Open it with mode "rb".')
        yield part


def _measure(content: FileContent) -> tuple[int | None, int | None]:
    """The length in bytes of a part's content, and the current position in its file. Each is None if it is not
    known."""
    if isinstance(content, bytes):
        return len(content), None
    if isinstance(content, Path):
        return content.stat().st_size, None
    if isinstance(content, str) or not (hasattr(content, "seekable") and content.seekable()):
        return None, None
    start = content.tell()
    length = content.seek(0, os.SEEK_END) - start
    content.seek(start)
    return length, start


def _file_name(name: str, content: object) -> str:
    """The file name of a part: the name of its file, or else the name of the field."""
    given = content if isinstance(content, Path) else getattr(content, "name", None)
    return Path(given).name if isinstance(given, str | Path) and str(given) else name
