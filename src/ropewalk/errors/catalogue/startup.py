"""Errors of start-up and the command line: codes RW4xx."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

STARTUP: Final = (
    Entry("RW401", "An endpoint description is malformed.", 'Write it as "tcp:8080" or "unix:/run/app.sock".'),
    Entry(
        "RW402",
        "The settings for trusted proxies are incomplete or invalid.",
        'Name addresses or networks such as "127.0.0.1" and "10.0.0.0/8", or "unix".',
    ),
    Entry("RW403", "A start hook or an app-scoped provider failed.", "Fix the cause shown in the log above."),
    Entry(
        "RW404",
        "An app has limits or trusted proxies that would have no effect.",
        "Give them to the App that is served, or to its first `listen`.",
    ),
    Entry("RW411", "The file to serve does not exist.", "Check its name. The message may suggest a similar one."),
    Entry(
        "RW412",
        "The module to serve does not exist.",
        "Check its name, and start in a directory from which it can be imported.",
    ),
    Entry("RW413", "A module does not have the name to serve.", "Name an App, Resource or Site in it: hello.py:app."),
    Entry("RW414", "The object to serve is not an App, a Site or a resource.", "Name one of these: hello.py:app."),
    Entry("RW415", "The module to serve cannot be imported.", "Fix the cause shown in the traceback below."),
    Entry("RW421", "A settings file cannot be read.", "Correct the file: it must be TOML."),
    Entry(
        "RW422",
        "A settings file has an unknown key or an invalid value.",
        "See `ropewalk run --help` for the settings.",
    ),
    Entry("RW423", "A limit is unknown or out of range.", "See the table of limits in the documentation."),
    Entry("RW424", "The file of the access log cannot be opened.", "Name a file in a writable folder."),
    Entry(
        "RW425",
        "A TLS certificate or its key cannot be used.",
        "Name files in PEM format: the certificate, with those of its authorities after it, and its key without a "
        "password.",
    ),
    Entry("RW426", "The settings for TLS are incomplete or contradictory.", "See docs/how-to/tls.md."),
)
