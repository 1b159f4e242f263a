"""The line of a request in a site's log, where the site writes it in Twisted's way: the same text, sooner."""

import re
from functools import WRAPPER_ASSIGNMENTS
from time import time
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.logger import LoggingFile
from twisted.web import http

from ropewalk._engine import Exchange
from ropewalk.dropin.object_proxy import ObjectProxy
from ropewalk.dropin.request.early_log import publish
from ropewalk.dropin.request.headers import ReceivedHeaders
from ropewalk.dropin.request.site_log import logs_of
from ropewalk.twisted_private import escape

_LOG: Final = http.HTTPFactory.log
_GET_HEADER: Final = http.Request.getHeader
_FORMATTER: Final = http.combinedLogFormatter
_OF_A_METHOD: Final = (*WRAPPER_ASSIGNMENTS, "__self__", "__func__")
_INTERNET: Final = (IPv4Address, IPv6Address)
_is_plain: Final = re.compile(rb"[ !#-\[\]-~]*").fullmatch
"""Bytes that stand for themselves: printable, and neither a quote nor a backslash."""


def log(factory: Any, request: Any) -> None:
    """Have a factory log a request, as `HTTPFactory.log` does where it is that. A full disk raises nothing."""
    own = factory.log
    function = own.__func__ if type(own) is SafeLog else getattr(own, "__func__", None)
    if function is not _LOG or type(factory).log is not _LOG:
        if type(own) is SafeLog:
            own(request)
        else:
            logs_of(factory).write_by(own, request)
        return
    file = factory._logFile  # noqa: SLF001 - what HTTPFactory.log writes to
    if file is None:
        return
    formatter = factory._logFormatter  # noqa: SLF001 - as there
    line = (combined if formatter is _FORMATTER else formatter)(factory._logDateTime, request)  # noqa: SLF001 - as there
    if type(file) is LoggingFile:
        _emit(file, line)
        return
    write_log = getattr(getattr(request, "channel", None), "write_log", None)
    if write_log is None:
        logs_of(factory).write(file, f"{line}\n")
    else:
        write_log(logs_of(factory), file, f"{line}\n")


class SafeLog(ObjectProxy):
    """In the place of a factory's `log`, which Twisted's own requests call in `finish`: a full disk raises nothing."""

    stands_for = "_log"
    own = frozenset(("_factory", "_log", "_set_on_factory"))

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._log = factory.log
        for name in _OF_A_METHOD:
            if hasattr(self._log, name):
                setattr(self, name, getattr(self._log, name))
        self._set_on_factory = "log" in vars(factory)
        """Whether the factory itself has it, rather than its class, where a program may replace it."""
        self.__func__ = getattr(self._log, "__func__", None)

    def __call__(self, request: Any) -> None:
        """Log a request."""
        factory = self._factory
        of_class = type(factory).log
        if self.__func__ is _LOG and of_class is _LOG:
            log(factory, request)
        else:
            write = self._log if self._set_on_factory else of_class.__get__(factory)
            logs_of(factory).write_by(write, request)


def make_log_safe(factory: Any) -> None:
    """Have nothing that logs a request raise where a disk is full or the reader of a pipe has left."""
    if type(factory.log) is not SafeLog:
        factory.log = SafeLog(factory)


def combined(timestamp: str, request: Any) -> str:
    """What `twisted.web.http.combinedLogFormatter` gives."""
    if getattr(request.getHeader, "__func__", None) is not _GET_HEADER:
        return str(_FORMATTER(timestamp, request))
    client = request.getClientAddress()
    if isinstance(client, _INTERNET):
        host = client.host
    elif client.__class__.__module__ == "twisted.web.http":
        return str(_FORMATTER(timestamp, request))
    else:
        host = "-"
    asked = request.method, request.uri, request.clientproto
    received = getattr(request, "_rw_exchange", None)
    if received is None:
        headers = request.requestHeaders
        if type(headers) is ReceivedHeaders:
            source = headers.source_of(b"User-Agent", b"Referer")
            received = source if isinstance(source, Exchange) else None
    if received is not None:
        told = received.combined_log_line(host, timestamp, asked, request.code, request.sentLength)
        if told is not None:
            return str(told)
    line = b"%b %b %b" % asked
    headers = request.requestHeaders
    agent = _last(headers.getRawHeaders(b"user-agent"))
    referrer = _last(headers.getRawHeaders(b"referer"))
    length = request.sentLength or "-"
    return f'"{host}" - - {timestamp} "{_text(line)}" {request.code:d} {length} "{referrer}" "{agent}"'


def _last(values: Any) -> str:
    return _text(values[-1] or b"-") if values else "-"


def _text(value: bytes) -> str:
    return value.decode("ascii") if _is_plain(value) else str(escape(value))


def _emit(file: LoggingFile, line: str) -> None:
    """What `LoggingFile.write` does with a whole line."""
    if file._buffer or file._closed or "\n" in line:  # noqa: SLF001 - somebody has begun a line, or it is no use
        file.write(f"{line}\n")
        return
    logger = file.log
    event = {
        "log_logger": logger,
        "log_level": file.level,
        "log_namespace": logger.namespace,
        "log_source": logger.source,
        "log_format": "{log_io}",
        "log_time": time(),
        "log_io": line,
    }
    publish(logger.observer, file.level, event)
