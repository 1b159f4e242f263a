"""One call of an application, on a thread (PEP 3333, "Specification Details")."""

import sys
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO

from twisted.logger import Logger

from ropewalk.errors import (
    CATALOGUE,
    LATE_REMEDY,
    Disconnected,
    HostedError,
    RopewalkError,
    WrongLength,
    named,
    shown,
    visible,
)
from ropewalk.request import BODILESS
from ropewalk.tracebacks import shown_failure
from ropewalk.wsgi.application_check import Application, Environ
from ropewalk.wsgi.environ import make_environ
from ropewalk.wsgi.error_stream import ErrorStream
from ropewalk.wsgi.file_wrapper import FileWrapper
from ropewalk.wsgi.response_head import parse_headers, parse_status
from ropewalk.wsgi.thread_response import ThreadResponse

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

log = Logger(namespace="ropewalk.wsgi")


class WSGICall:
    """What the application is given, and what becomes of what it gives."""

    __slots__ = ("_answer", "_application", "_body", "_context", "_is_head", "_server", "_silent", "_written")

    def __init__(self, application: Application, answer: ThreadResponse, server: Environ, body: BinaryIO) -> None:
        self._application = application
        self._answer = answer
        self._server = server
        self._body = body
        self._context = copy_context()  # the application sees what middleware has put there, and leaves nothing behind
        self._is_head = answer.request.method == "HEAD"
        self._silent = False
        """Whether nothing is sent of a body."""
        self._written = 0
        """Bytes of the body."""

    def run(self) -> None:
        """Call the application, and take what it gives. Whatever it raises is an answer or a line in the log."""
        if not self._answer.request.finished:
            self._context.run(self._run)
        self._body.close()

    def _run(self) -> None:
        errors = ErrorStream()
        try:
            environ = make_environ(self._answer.request, self._server, self._body, errors)
            parts = self._application(environ, self.start_response)
            try:
                self._send(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        except BaseException as error:  # noqa: BLE001 - there is nobody else on this thread
            self._fail(error)
        errors.flush()

    # What the application calls

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """Take status and headers; with `exc_info` in place of those before, unless they are on their way."""
        answer = self._answer
        if exc_info is not None:
            try:
                if self._written or answer.ended:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # else the traceback would hold this frame, and this frame the traceback
        elif answer.status:
            raise HostedError("RW700", "start_response was called twice.", "Give it exc_info the second time.")
        code, answer.reason = parse_status(status)
        answer.fields, answer.length = parse_headers(headers)
        answer.status = code
        self._silent = self._is_head or answer.status in BODILESS
        return self.write

    def write(self, part: bytes) -> None:
        """Send a part of the body. Raises Disconnected where the client has left."""
        if self._add(part):
            self._answer.post()
            self._answer.rest()

    # What the application returns

    def _send(self, parts: Any) -> None:
        if isinstance(parts, list | tuple):
            self._send_at_once(parts)
        elif not (isinstance(parts, FileWrapper) and self._send_file(parts)):
            for part in _iterate(parts):
                self.write(part)
                if self._silent and self._answer.ended:
                    break
        self._end()

    def _send_at_once(self, parts: list[Any] | tuple[Any, ...]) -> None:
        """Send parts that are all there as one."""
        body = _octets(parts[0]) if len(parts) == 1 else b"".join(map(_octets, parts))
        answer = self._answer
        if self._is_head and body and answer.status not in BODILESS and answer.status and answer.length is None:
            answer.fields.append(("Content-Length", str(len(body))))
        self._add(body)

    def _send_file(self, wrapper: FileWrapper) -> bool:
        """Have the engine send a file, where it can."""
        answer = self._answer
        if not answer.status or answer.status in BODILESS or self._written or not answer.direct:
            return False
        rest = wrapper.rest()
        if rest is None:
            return False
        file, offset, length = rest
        if answer.length is not None:
            if length < answer.length:
                raise WrongLength(f"The file has {length} bytes, and Content-Length says {answer.length}.")
            length = answer.length
        answer.file = file, offset, length
        answer.end()
        return True

    def _add(self, part: bytes) -> bool:
        """Take a part of the body; whether the reactor has to come to it."""
        if not _octets(part):
            return False
        answer = self._answer
        if not answer.status:
            raise HostedError("RW701", "There is a body, and start_response has not been called.")
        if self._silent:
            self._drop()
            return False
        self._written += len(part)
        if answer.length is not None and self._written > answer.length:
            raise WrongLength(f"The body is longer than the {answer.length} bytes that Content-Length says.")
        if answer.over:
            raise Disconnected
        answer.add(part)
        if self._written == answer.length:
            answer.end()
            return False
        return True

    def _drop(self) -> None:
        """There is a body, where none is sent: the head is final, and the answer complete."""
        answer = self._answer
        if not answer.ended:
            if not self._is_head:
                self._tell("RW704", f"There is a body with status {answer.status}.")
            answer.end()

    def _end(self) -> None:
        """There is no more of the body."""
        answer = self._answer
        if answer.ended:
            return
        if not answer.status:
            raise HostedError("RW701", "It has returned, and start_response has not been called.")
        if answer.length is not None and self._written < answer.length and not self._silent:
            raise WrongLength(f"The body has {self._written} bytes, and Content-Length says {answer.length}.")
        answer.end()

    def _fail(self, error: BaseException) -> None:
        """The application, or something of what it gave, has raised."""
        if not self._answer.ended:
            self._answer.fail(_tamed(error))
        elif isinstance(error, RopewalkError):
            if not isinstance(error, Disconnected):
                self._tell(error.code, error.message)
        else:
            self._tell("RW208", f"{shown(error)} was raised behind the answer.")

    def _tell(self, code: str, what: str) -> None:
        """A line in the log for what no answer can tell, with the traceback of the exception that is being handled."""
        request = self._answer.request
        error = sys.exception()
        say = log.error if error is None else partial(log.failure, failure=shown_failure(error))
        say(
            "{code} {method} {path}: {who}: {what} {remedy}",
            code=code,
            method=request.method,
            path=request.raw_path.decode("ascii"),  # as it was sent: what it stands for may be a line's end
            who=named(self._application),
            what=visible(what),
            remedy=LATE_REMEDY if code == "RW208" else CATALOGUE[code].remedy,
        )


def _iterate(parts: Any) -> Iterator[Any]:
    if not isinstance(parts, str | bytes):
        try:
            return iter(parts)
        except TypeError:
            if hasattr(parts, "__iter__"):
                raise
    raise HostedError("RW702", f"It returned {shown(parts)}.")


def _octets(part: Any) -> bytes:
    if not isinstance(part, bytes):
        raise HostedError("RW702", f"A part of the body is {shown(part)}.")
    return part


def _tamed(error: BaseException) -> Exception:
    """What would end a thread must not end the reactor's."""
    if isinstance(error, Exception):
        return error
    tamed = RuntimeError(f"{shown(error)} was raised.")
    tamed.__cause__ = error
    return tamed
