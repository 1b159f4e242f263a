"""Sends files for `twisted.web.static.File`, in its most common use: a whole regular file below a folder.

Twisted makes a resource for every name in the path, looks each name up in the file system, and reads the file in
Python. This module opens the file, and the engine sends it. Twisted handles everything else: other methods, ranges,
conditions, folders and their indexes, missing names, processors, subclasses, and functions that a program has replaced.
"""

import os
from functools import lru_cache
from operator import attrgetter
from os.path import splitext
from stat import S_ISREG
from typing import Any, Final

from twisted.web import static
from twisted.web.http import datetimeToString

from ropewalk.dropin.request.dates import date_now, modified_line
from ropewalk.dropin.request.headers import ReceivedHeaders
from ropewalk.dropin.request.response_headers import set_validators

_LEFT_TO_TWISTED: Final = (b"range", b"if-modified-since", b"if-none-match")
_SPECIAL: Final = (b"", b".", b"..")
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""O_NONBLOCK is needed because the file may be a FIFO, for which open(2) would wait for a writer."""
_READ_AT_ONCE: Final = 64 * 1024
"""Files up to this size in bytes are read here, because sending them from a descriptor would take longer."""
_CACHED_FROM: Final = 0
"""The earliest modification time, in Unix seconds, whose date is cached. Earlier times are rare."""
_CALLED: Final = (
    *("__init__", "getChild", "getChildWithDefault", "createSimilarFile", "child", "restat", "isdir", "exists"),
    *("siblingExtensionSearch", "splitext", "basename", "render", "render_GET", "openForReading", "open"),
    *("getModificationTime", "getFileSize", "getsize", "makeProducer", "_setContentHeaders", "clonePath"),
    *("_asTextPath", "_getPathAsSameTypeAs"),
)
"""The functions that twisted.web calls to find a file below a folder, and to send it."""
_functions: Final = attrgetter(*_CALLED, "type")
_ORIGINAL: Final = tuple(
    each if f"{getattr(each, '__globals__', vars(static)).get('__name__')}".startswith("twisted.") else object()
    for each in _functions(static.File)
)
"""The functions of `File`. If a program has already replaced one, its entry is an object that equals nothing."""
_getTypeAndEncoding: Final = static.getTypeAndEncoding


def is_plain(found: Any) -> bool:
    """Whether a resource is a `File` without children, processors or replaced functions."""
    return (
        type(found) is static.File
        and type(found.path) is str
        and not (found.children or found.processors)
        and found.__dict__.keys().isdisjoint(_CALLED)
        and _functions(static.File) == _ORIGINAL
        and static.getTypeAndEncoding is _getTypeAndEncoding
    )


def send(folder: Any, request: Any) -> bool:
    """Respond to a GET with the file in `folder` that the rest of its path names.

    Return False if Twisted must respond.
    """
    if request._rw_head is None or _has_special_fields(request):  # noqa: SLF001 - our own attribute
        return False
    names = request.postpath
    for name in names:
        if name in _SPECIAL or b"/" in name or b"\0" in name:
            return False
    try:
        path = "/".join((folder.path, *(name.decode() for name in names)))
        descriptor = os.open(path, _OPEN_FLAGS)
    except (OSError, UnicodeDecodeError):
        return False
    content: bytes | int | None = None
    try:
        status = os.fstat(descriptor)
        large = status.st_size > _READ_AT_ONCE
        if not S_ISREG(status.st_mode) or (large and not request.channel.takes_descriptors):
            return False
        content, size = _prepare(folder, request, path, descriptor, status)
    finally:
        if content is not descriptor:
            os.close(descriptor)
    _respond(request, content, size)  # `_respond` closes the descriptor
    return True


def _has_special_fields(request: Any) -> bool:
    """Whether a request has a header field that may prevent twisted.web from sending the whole file.

    If the program has changed the fields of the request, the changed fields count.
    """
    head = request._rw_exchange  # noqa: SLF001 - our own attribute
    if head is None:
        headers = request.requestHeaders
        head = headers.source if type(headers) is ReceivedHeaders else None
        if head is None:
            return any(map(headers.hasHeader, _LEFT_TO_TWISTED))
    return any(map(head.values, _LEFT_TO_TWISTED))


def _prepare(folder: Any, request: Any, path: str, descriptor: int, status: os.stat_result) -> tuple[bytes | int, int]:
    """Set the response headers. Return the bytes of a small file, or the descriptor of a large one, and the size."""
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
    modified = _last_modified(request.lastModified, date_now())
    if modified is not None:
        lines[b"Last-Modified"] = [modified]
    return descriptor if body is None else body, size


def _respond(request: Any, content: bytes | int, size: int) -> None:
    """Send the whole response. `content` is the body, or the descriptor of a file, which is always closed."""
    if request.etag is not None or request.cookies:
        request.lastModified = None
        try:
            set_validators(request)
        except BaseException:
            if not isinstance(content, bytes):
                os.close(content)
            raise
    request.startedWriting = 1
    request.sentLength += size
    lines = request.responseHeaders._rawHeaders  # noqa: SLF001 - as Twisted's channels do
    if isinstance(content, bytes):
        request.channel.respond(request, request.code, request.code_message, lines, content)
    else:
        request.channel.respond_with_file(request.code, request.code_message, lines, content, size)
    request._rw_end()  # noqa: SLF001 - our own method


def _type(path: str, default: Any) -> tuple[Any, Any]:
    """Return the same as `static.getTypeAndEncoding`, without making a path object."""
    stem, extension = splitext(path)  # noqa: PTH122 - as in Twisted; a Path for every request would be slow
    encoding = static.File.contentEncodings.get(extension.lower())
    if encoding is not None:
        extension = splitext(stem)[1]  # noqa: PTH122 - as above
    return static.File.contentTypes.get(extension.lower(), default), encoding


def _last_modified(modified: int, date: int) -> bytes | None:
    return _cached_line(modified) if _CACHED_FROM <= modified <= date else modified_line(modified, date)


@lru_cache(maxsize=1024)
def _cached_line(modified: int) -> bytes:
    return bytes(datetimeToString(modified))
