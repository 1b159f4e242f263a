"""Writes the access log of a site. The text is the same as Twisted's, but formatted faster."""

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
"""Matches bytes that need no escapes: printable ASCII without quotes and backslashes."""


def log(factory: Any, request: Any) -> None:
    """Let a factory log a request, as `HTTPFactory.log` does. It does not fail if the disk is full."""
    own = factory.log
    function = own.__func__ if type(own) is SafeLog else getattr(own, "__func__", None)
    if function is not _LOG or type(factory).log is not _LOG:
        if type(own) is SafeLog:
            own(request)
        else:
            logs_of(factory).write_by(own, request)
        return
    file = factory._logFile  # noqa: SLF001 - HTTPFactory.log writes to it
    if file is None:
        return
    formatter = factory._logFormatter  # noqa: SLF001 - HTTPFactory.log uses it
    line = (combined if formatter is _FORMATTER else formatter)(factory._logDateTime, request)  # noqa: SLF001 - as above
    if type(file) is LoggingFile:
        _emit(file, line)
        return
    write_log = getattr(getattr(request, "channel", None), "write_log", None)
    if write_log is None:
        logs_of(factory).write(file, f"{line}\n")
    else:
        write_log(logs_of(factory), file, f"{line}\n")


class SafeLog(ObjectProxy):
    """Replaces a factory's `log`, which Twisted's requests call in `finish`. It does not fail if the disk is full."""

    original_name = "_log"
    own_names = frozenset(("_factory", "_log", "_set_on_factory"))

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._log = factory.log
        for name in _OF_A_METHOD:
            if hasattr(self._log, name):
                setattr(self, name, getattr(self._log, name))
        self._set_on_factory = "log" in vars(factory)
        """Whether `log` was set on the factory.

        Otherwise the factory's class defines `log`, and a program may replace it there.
        """
        self.__func__ = getattr(self._log, "__func__", None)

    def __call__(self, request: Any) -> None:
        """Log a request with the factory's `log`."""
        factory = self._factory
        of_class = type(factory).log
        if self.__func__ is _LOG and of_class is _LOG:
            log(factory, request)
        else:
            write = self._log if self._set_on_factory else of_class.__get__(factory)
            logs_of(factory).write_by(write, request)


def make_log_safe(factory: Any) -> None:
    """Replace the `log` of a factory, so that requests do not fail because of a full disk or a closed pipe."""
    if type(factory.log) is not SafeLog:
        factory.log = SafeLog(factory)


def combined(timestamp: str, request: Any) -> str:
    """Return the same text as `twisted.web.http.combinedLogFormatter`."""
    if getattr(request.getHeader, "__func__", None) is not _GET_HEADER:
        return str(_FORMATTER(timestamp, request))
    client = request.getClientAddress()
    if isinstance(client, _INTERNET):
        host = client.host
    elif client.__class__.__module__ == "twisted.web.http":
        return str(_FORMATTER(timestamp, request))
    else:
        host = "-"
    request_line = request.method, request.uri, request.clientproto
    exchange = getattr(request, "_rw_exchange", None)
    if exchange is None:
        headers = request.requestHeaders
        if type(headers) is ReceivedHeaders:
            source = headers.source_of(b"User-Agent", b"Referer")
            exchange = source if isinstance(source, Exchange) else None
    if exchange is not None:
        formatted = exchange.combined_log_line(host, timestamp, request_line, request.code, request.sentLength)
        if formatted is not None:
            return str(formatted)
    line = b"%b %b %b" % request_line
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
    """Log a whole line, as `LoggingFile.write` does."""
    if file._buffer or file._closed or "\n" in line:  # noqa: SLF001 - rare, so `write` itself handles it
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
