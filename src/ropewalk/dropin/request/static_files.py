"""`twisted.web.static.File` as it is mostly asked: for the whole of a regular file below a folder.

Twisted makes a resource for every name on the way, looks each up in the file system, and reads the file in Python. Here
the file is opened, and the engine sends it. Whatever is not that plain is left to Twisted: other methods, ranges and
conditions, folders and their indexes, names that are not there, processors, subclasses, and what a program has changed.
"""

import os
from functools import lru_cache
from operator import attrgetter
from os.path import splitext
from stat import S_ISREG
from typing import Any, Final

from twisted.web import static
from twisted.web.http import datetimeToString

from ropewalk.dropin.request.headers import ReceivedHeaders
from ropewalk.dropin.request.request import date_now, modified_line

_LEFT_TO_TWISTED: Final = (b"range", b"if-modified-since", b"if-none-match")
_SPECIAL: Final = (b"", b".", b"..")
_OPENED: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""A name may be a pipe's, at which nobody is to wait."""
_READ_AT_ONCE: Final = 64 * 1024
"""Bytes up to which a file is read here: the way through a descriptor costs more."""
_SANE: Final = 0
"""Files that are older than 1970 are rare enough to have their date made each time."""
_CALLED: Final = (
    *("__init__", "getChild", "getChildWithDefault", "createSimilarFile", "child", "restat", "isdir", "exists"),
    *("siblingExtensionSearch", "splitext", "basename", "render", "render_GET", "openForReading", "open"),
    *("getModificationTime", "getFileSize", "getsize", "makeProducer", "_setContentHeaders", "clonePath"),
    *("_asTextPath", "_getPathAsSameTypeAs"),
)
"""What twisted.web calls to find a file below a folder, and to send it."""
_look: Final = attrgetter(*_CALLED, "type")
_AS_WRITTEN: Final = tuple(
    each if f"{getattr(each, '__globals__', vars(static)).get('__name__')}".startswith("twisted.") else object()
    for each in _look(static.File)
)
"""What `File` has for these; what is equal to nothing where a program has replaced it already."""
_getTypeAndEncoding: Final = static.getTypeAndEncoding


def is_plain(found: Any) -> bool:
    """Whether a resource is a folder of Twisted's, as Twisted has written it and with nothing hung on it."""
    return (
        type(found) is static.File
        and type(found.path) is str
        and not (found.children or found.processors)
        and found.__dict__.keys().isdisjoint(_CALLED)
        and _look(static.File) == _AS_WRITTEN
        and static.getTypeAndEncoding is _getTypeAndEncoding
    )


def send(folder: Any, request: Any) -> bool:
    """Answer a GET with the file that the rest of its path names below a folder. False where that is for Twisted."""
    if request._rw_head is None or _is_special(request):  # noqa: SLF001 - ours
        return False
    names = request.postpath
    for name in names:
        if name in _SPECIAL or b"/" in name or b"\0" in name:
            return False
    try:
        path = "/".join((folder.path, *(name.decode() for name in names)))
        descriptor = os.open(path, _OPENED)
    except (OSError, UnicodeDecodeError):
        return False
    content: bytes | int | None = None
    try:
        status = os.fstat(descriptor)
        large = status.st_size > _READ_AT_ONCE
        if not S_ISREG(status.st_mode) or (large and not request.channel.takes_descriptors):
            return False
        content, size = _prepared(folder, request, path, descriptor, status)
    finally:
        if content is not descriptor:
            os.close(descriptor)
    request.send_file(content, size)  # which has the descriptor from here on
    return True


def _is_special(request: Any) -> bool:
    """Whether a request has a field by which twisted.web may send something else than a file as it is.

    The program may have changed the fields meanwhile.
    """
    source = request._rw_exchange  # noqa: SLF001 - ours
    if source is None:
        headers = request.requestHeaders
        source = headers.source if type(headers) is ReceivedHeaders else None
        if source is None:
            return any(map(headers.hasHeader, _LEFT_TO_TWISTED))
    return any(map(source.values, _LEFT_TO_TWISTED))


def _prepared(folder: Any, request: Any, path: str, descriptor: int, status: os.stat_result) -> tuple[bytes | int, int]:
    """What is sent, and its size, with all headers of the request set: the bytes of a small file, or the descriptor."""
    kind, encoding = _type(path, folder.defaultType)
    body = os.read(descriptor, _READ_AT_ONCE + 1) if status.st_size <= _READ_AT_ONCE else None
    size = status.st_size if body is None else len(body)
    request.prepath += request.postpath
    request.postpath = []
    lines = request.responseHeaders._rawHeaders  # noqa: SLF001 - as Twisted's channels do
    lines[b"Accept-Ranges"] = [b"bytes"]
    lines[b"Content-Length"] = [b"%d" % size]
    if kind:
        lines[b"Content-Type"] = [kind.encode("ascii")]
    if encoding:
        lines[b"Content-Encoding"] = [encoding.encode("ascii")]
    request.lastModified = -int(-status.st_mtime // 1)
    changed = _changed(request.lastModified, date_now())
    if changed is not None:
        lines[b"Last-Modified"] = [changed]
    return descriptor if body is None else body, size


def _type(path: str, default: Any) -> tuple[Any, Any]:
    """What `static.getTypeAndEncoding` says, which makes a path of the name and finds out what folder it is in."""
    stem, extension = splitext(path)  # noqa: PTH122 - what Twisted splits by, and a path is made for every request
    encoding = static.File.contentEncodings.get(extension.lower())
    if encoding is not None:
        extension = splitext(stem)[1]  # noqa: PTH122 - as above
    return static.File.contentTypes.get(extension.lower(), default), encoding


def _changed(modified: int, date: int) -> bytes | None:
    return _line(modified) if _SANE <= modified <= date else modified_line(modified, date)


@lru_cache(maxsize=1024)
def _line(modified: int) -> bytes:
    return bytes(datetimeToString(modified))
