"""Errors of one request and its response: codes RW3xx."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

EXCHANGES: Final = (
    Entry("RW301", "A handler wrote after the end of its response.", "Write before you return or call finish."),
    Entry("RW302", "A handler started its response twice.", "Respond once: return a value, or write and finish."),
    Entry(
        "RW303",
        "The length of a body differs from its Content-Length.",
        "Leave Content-Length to the engine, or correct it.",
    ),
    Entry(
        "RW304",
        "A header, cookie, reason phrase, redirect or status is invalid.",
        "Names must be tokens, values must have no control characters, and a status must be from 200 to 599. "
        "The engine sets the headers that frame a message.",
    ),
    Entry(
        "RW305",
        "The client disconnected before the response was complete.",
        "No action is needed. Clean up, and re-raise the error.",
    ),
    Entry("RW306", "A handler blocked the reactor.", "Await the work, or run it in a thread with deferToThread."),
    Entry("RW307", "A file became shorter while it was sent.", "Replace files by renaming; do not truncate them."),
    Entry(
        "RW308",
        "A response did not begin within the time of the middleware `timeout`. The client got 503 or 504.",
        "Find out why the awaited work is slow, or allow more `seconds`.",
    ),
)
