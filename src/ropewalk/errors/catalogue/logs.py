"""Errors of the options and fields of logs: codes from RW330."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry
from ropewalk.errors.installing import install_remedy

LOGS: Final = (
    Entry(
        "RW330",
        "A handler has logged a field with a name that Ropewalk uses.",
        "Choose another name: request.log(room_path=...) instead of request.log(path=...).",
    ),
    Entry(
        "RW331",
        "The template or the fields of the access log are wrong.",
        'A template has fields in braces, such as "{method} {path} {status}". Fields are names, separated by commas.',
    ),
    Entry("RW332", "An option of a log is wrong.", "The reference of ropewalk.logs lists the options."),
    Entry("RW333", "The package structlog is not installed.", install_remedy("logs")),
)
