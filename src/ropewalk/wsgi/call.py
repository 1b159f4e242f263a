"""One call of a WSGI application, on a thread (PEP 3333, "Specification Details")."""

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
    """One call of an application.

    It has `start_response` and `write` for the application, and sends the returned body.
    """

    __slots__ = ("_application", "_body", "_context", "_is_head", "_response", "_server", "_silent", "_written")

    def __init__(self, application: Application, response: ThreadResponse, server: Environ, body: BinaryIO) -> None:
        self._application = application
        self._response = response
        self._server = server
        self._body = body
        self._context = copy_context()  # a copy, so that changes to context variables end with the call
        self._is_head = response.request.method == "HEAD"
        self._silent = False
        """Whether the response has no body, because of its status or because the request is a HEAD."""
        self._written = 0
        """The number of body bytes that the application has written so far."""

    def run(self) -> None:
        """Call the application and queue its response. An exception becomes an error response. If the response is
        already complete, the exception is logged instead."""
        if not self._response.request.finished:
            self._context.run(self._run)
        self._body.close()

    def _run(self) -> None:
        errors = ErrorStream()
        try:
            environ = make_environ(self._response.request, self._server, self._body, errors)
            parts = self._application(environ, self.start_response)
            try:
                self._send(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        except BaseException as error:  # noqa: BLE001 - no other code on this thread would handle it
            self._fail(error)
        errors.flush()

    # The following methods are called by the application.

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """Set the status and the headers.

        A second call needs `exc_info`. It replaces the first head, or raises the exception in `exc_info` if the first
        head was already sent.
        """
        response = self._response
        if exc_info is not None:
            try:
                if self._written or response.ended:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # otherwise the traceback and this frame would refer to each other
        elif response.status:
            raise HostedError("RW700", "start_response was called twice.", "Give it exc_info the second time.")
        code, response.reason = parse_status(status)
        response.fields, response.length = parse_headers(headers)
        response.status = code
        self._silent = self._is_head or response.status in BODILESS
        return self.write

    def write(self, part: bytes) -> None:
        """Send a part of the body. Raises Disconnected if the client has disconnected."""
        if self._add(part):
            self._response.post()
            self._response.wait_for_room()

    # The following methods send the iterable that the application returns.

    def _send(self, parts: Any) -> None:
        if isinstance(parts, list | tuple):
            self._send_at_once(parts)
        elif not (isinstance(parts, FileWrapper) and self._send_file(parts)):
            for part in _iterate(parts):
                self.write(part)
                if self._silent and self._response.ended:
                    break
        self._end()

    def _send_at_once(self, parts: list[Any] | tuple[Any, ...]) -> None:
        """Send all parts of a list or tuple as one."""
        body = _octets(parts[0]) if len(parts) == 1 else b"".join(map(_octets, parts))
        response = self._response
        if self._is_head and body and response.status not in BODILESS and response.status and response.length is None:
            response.fields.append(("Content-Length", str(len(body))))
        self._add(body)

    def _send_file(self, wrapper: FileWrapper) -> bool:
        """Have the engine send a file. Return False if the engine cannot send it, so that the file must be read
        here."""
        response = self._response
        if not response.status or response.status in BODILESS or self._written or not response.direct:
            return False
        rest = wrapper.rest()
        if rest is None:
            return False
        file, offset, length = rest
        if response.length is not None:
            if length < response.length:
                raise WrongLength(f"The file has {length} bytes, and Content-Length says {response.length}.")
            length = response.length
        response.file = file, offset, length
        response.end()
        return True

    def _add(self, part: bytes) -> bool:
        """Add a part of the body to the queue. Return whether the reactor must be notified."""
        if not _octets(part):
            return False
        response = self._response
        if not response.status:
            raise HostedError("RW701", "The application sent a body before it called start_response.")
        if self._silent:
            self._drop()
            return False
        self._written += len(part)
        if response.length is not None and self._written > response.length:
            raise WrongLength(f"The body is longer than the {response.length} bytes that Content-Length says.")
        if response.over:
            raise Disconnected
        response.add(part)
        if self._written == response.length:
            response.end()
            return False
        return True

    def _drop(self) -> None:
        """Drop a part of the body, because the response has no body. The application can no longer replace the head
        after this part, so the response is complete."""
        response = self._response
        if not response.ended:
            if not self._is_head:
                self._log("RW704", f"A body was sent with status {response.status}.")
            response.end()

    def _end(self) -> None:
        """End the response after the last part of the body."""
        response = self._response
        if response.ended:
            return
        if not response.status:
            raise HostedError("RW701", "The application returned without calling start_response.")
        if response.length is not None and self._written < response.length and not self._silent:
            raise WrongLength(f"The body has {self._written} bytes, and Content-Length says {response.length}.")
        response.end()

    def _fail(self, error: BaseException) -> None:
        """Handle an exception of the application, or of the iterable that it returned."""
        if not self._response.ended:
            self._response.fail(_as_exception(error))
        elif isinstance(error, RopewalkError):
            if not isinstance(error, Disconnected):
                self._log(error.code, error.message)
        else:
            self._log("RW208", f"{shown(error)} was raised after the response.")

    def _log(self, code: str, what: str) -> None:
        """Log an error that can no longer become a response, with the traceback of the exception that is being
        handled."""
        request = self._response.request
        error = sys.exception()
        write = log.error if error is None else partial(log.failure, failure=shown_failure(error))
        write(
            "{code} {method} {path}: {who}: {what} {remedy}",
            code=code,
            method=request.method,
            path=request.raw_path.decode("ascii"),  # not decoded, because a decoded path may contain a line feed
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
        raise HostedError("RW702", f"A part of the body is {shown(part)}, not bytes.")
    return part


def _as_exception(error: BaseException) -> Exception:
    """Convert a BaseException to an Exception. For example, SystemExit may end a thread, but must not stop the
    reactor."""
    if isinstance(error, Exception):
        return error
    wrapped = RuntimeError(f"{shown(error)} was raised.")
    wrapped.__cause__ = error
    return wrapped
