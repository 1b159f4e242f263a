"""The line of a request in a site's log, where the site writes it in Twisted's way: the same text, sooner."""

import re
from time import time
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.logger import LoggingFile
from twisted.python.logfile import BaseLogFile
from twisted.web import http

_LOG: Final = http.HTTPFactory.log
_FORMATTER: Final = http.combinedLogFormatter
_escape: Final = http._escape  # noqa: SLF001 - Twisted's own, for what needs it
_INTERNET: Final = (IPv4Address, IPv6Address)
_is_plain: Final = re.compile(rb"[ !#-\[\]-~]*").fullmatch
"""Bytes that stand for themselves: printable, and neither a quote nor a backslash."""


def log(factory: Any, request: Any) -> None:
    """Have a factory log a request, as `HTTPFactory.log` does where it is that."""
    if getattr(factory.log, "__func__", None) is not _LOG or factory._logFormatter is not _FORMATTER:  # noqa: SLF001
        factory.log(request)
        return
    file = factory._logFile  # noqa: SLF001 - what HTTPFactory.log writes to
    if file is None:
        return
    line = combined(factory._logDateTime, request)  # noqa: SLF001 - as there
    if type(file) is LoggingFile:
        _emit(file, line)
    elif isinstance(file, BaseLogFile) and getattr(request.channel, "responds", False):
        request.channel.write_log(file, f"{line}\n")
    else:
        file.write(f"{line}\n")


def combined(timestamp: str, request: Any) -> str:
    """What `twisted.web.http.combinedLogFormatter` gives."""
    client = request.getClientAddress()
    if isinstance(client, _INTERNET):
        host = client.host
    elif client.__class__.__module__ == "twisted.web.http":
        return str(_FORMATTER(timestamp, request))
    else:
        host = "-"
    asked = request.method, request.uri, request.clientproto
    received = getattr(request, "_lean_received", None)
    if received is not None:
        told = received.combined(host, timestamp, asked, request.code, request.sentLength)
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
    return value.decode("ascii") if _is_plain(value) else str(_escape(value))


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
    logger.observer(event)
