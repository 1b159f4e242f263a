"""The comparisons: with other frameworks, and of apps of Ropewalk that differ in one thing."""

import gzip
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from benchmarks.cases import Case, Probe, refuses, says
from benchmarks.peers.contract import KEEP_ALIVE
from benchmarks.prepare import PYTHON
from benchmarks.rest.roster import Command, Comparison
from benchmarks.roster import Peer, uvicorn
from benchmarks.site.programs import pages
from benchmarks.site.programs.records import RECORDS
from benchmarks.site.upload import CONTENT_TYPE, FILE_SIZE, PATH, make_upload

PROGRAMS: Final = Path(__file__).parent / "programs"
TEXT: Final = b"Hello, World!"
FORM: Final = "application/x-www-form-urlencoded"
BOOKING: Final[Mapping[str, str]] = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0958",
    "street": "12 St James's Square",
    "city": "London",
    "country": "United Kingdom",
    "arrival": "2027-05-14",
    "guests": "2",
    "nights": "5",
    "remarks": "A quiet room, please: not above the café & bar.",
}
_HOST: Final = re.compile(rb"http://127\.0\.0\.1:\d+/")
_HASH: Final = re.compile(rb"site\.[0-9a-f]{12}\.css")


def page() -> Case:
    return Case(
        name="page",
        title=f"GET of a page with {pages.COUNT} rows, from a template, with a session",
        endpoint="page",
        path="/rooms",
        enter="/enter",
        probes=(
            Probe(path="/rooms", right=is_page),
            Probe(path="/rooms", headers={"Cookie": "session=forged"}, right=lambda status, body: status == 403),
        ),
    )


def is_page(status: int, body: bytes) -> bool:
    """Whether a response is the page. The URLs of Starlette are absolute, and those of Ropewalk's static files have
    hashes."""
    return status == 200 and _HASH.sub(b"site.css", _HOST.sub(b"/", body)) == expected_page()


@cache
def expected_page() -> bytes:
    from jinja2 import Environment, FileSystemLoader

    def url_for(name: str, number: int | None = None) -> str:
        return "/rooms" if number is None else f"/rooms/{number}"

    made = Environment(loader=FileSystemLoader(pages.TEMPLATES), autoescape=True)
    made.globals.update(url_for=url_for, static_url=lambda name: f"/static/{name}")
    values = {"hotel": pages.HOTEL, "user": pages.USER, "rooms": pages.ROOMS}
    return made.get_template("rooms.html").render(values).encode()


def booking() -> Case:
    body = urlencode(BOOKING).encode()
    refused = [urlencode({**BOOKING, **wrong}).encode() for wrong in ({"guests": "two"}, {"nights": ""})]
    return Case(
        name="form",
        title=f"POST of a form of {len(BOOKING)} fields",
        endpoint="form",
        path="/bookings",
        script="post",
        arguments=(FORM, body.decode()),
        probes=(
            Probe(path="/bookings", body=body, right=says(expected_booking().encode())),
            *(Probe(path="/bookings", body=each, right=refuses) for each in refused),
        ),
    )


def expected_booking() -> str:
    texts = {name: value for name, value in BOOKING.items() if name not in ("guests", "nights")}
    return pages.summary(**texts, guests=int(BOOKING["guests"]), nights=int(BOOKING["nights"]))


def upload() -> Case:
    """Servers that do not parse the form respond with the size of its whole body.

    The load uses few connections, because a request that is still running at the end of a sample is not counted.
    """
    body = make_upload()
    sizes = (b"%d" % FILE_SIZE, b"%d" % len(body))
    return Case(
        name="upload",
        title="POST of a multipart form with a file of 10 MiB, 2 connections",
        endpoint="upload",
        path="/upload",
        script="file",
        arguments=(CONTENT_TYPE, str(PATH)),
        connections=2,
        probes=(Probe(path="/upload", body=body, right=lambda status, said: status == 200 and said in sizes),),
    )


def text(name: str, title: str) -> Case:
    """A response of 13 bytes to a client with a session."""
    return Case(
        name=name,
        title=title,
        endpoint="",
        path="/text",
        enter="/enter",
        probes=(Probe(path="/text", right=says(TEXT)),),
    )


def posted(name: str, title: str) -> Case:
    return Case(
        name=name,
        title=title,
        endpoint="",
        path="/text",
        enter="/enter",
        script="post",
        arguments=(FORM, "choice=1"),
        probes=(Probe(path="/text", body=b"choice=1", right=says(TEXT)),),
    )


def records(coding: str) -> Case:
    return Case(
        name="records",
        title="GET of 50 KB of JSON, compressed with gzip",
        endpoint="records",
        path="/records",
        script="compressed",
        arguments=(coding,),
        probes=(Probe(path="/records", headers={"Accept-Encoding": coding}, right=is_records),),
    )


def is_records(status: int, body: bytes) -> bool:
    """Whether a response is the records, compressed or not."""
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    return status == 200 and body.startswith(b"[") and json.loads(body) == RECORDS


def run(target: str) -> Command:
    options = ["--access-log", "off", "--log-level", "error"]  # hides the warning about the Secure cookie
    return lambda port, folder: [
        *(str(PYTHON), "-m", "ropewalk", "run", "--port", str(port), *options),
        str(PROGRAMS / target),
    ]


def gunicorn(target: str, *options: str) -> Command:
    return lambda port, folder: [
        *(str(PYTHON), "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--log-level", "error"),
        *(*options, target),
    ]


def theirs(name: str, title: str, command: Command, *versions: str, note: str = "") -> Peer:
    return Peer(name=name, title=title, command=command, versions=versions, folder=PROGRAMS, note=note)


def ours(name: str, title: str, target: str) -> Peer:
    return Peer(
        name=name,
        title=f"**Ropewalk**, {title}",
        command=run(target),
        versions=("ropewalk", "Jinja2", "multipart", "itsdangerous", "uvloop"),
        folder=PROGRAMS,
        ours=True,
    )


def variant(name: str, title: str, app: str | None = None) -> Peer:
    return ours(name, title, f"site_variants.py:{app or name}")


def fastapi(title: str, app: str) -> Peer:
    return theirs(
        "fastapi", title, uvicorn(app), "fastapi", "starlette", "pydantic", "uvicorn", "httptools", "uvloop", "Jinja2"
    )


_THREADS: Final = ("--worker-class", "gthread", "--threads", "4", "--keep-alive", str(KEEP_ALIVE))
_FLASK: Final = ("Flask", "Werkzeug", "itsdangerous", "gunicorn", "Jinja2")
FLASK: Final = (
    theirs(
        "flask",
        "Flask on gunicorn, with threads",
        gunicorn("flask_pages:app", *_THREADS),
        *_FLASK,
        note="Keeps connections open.",
    ),
    theirs(
        "flask-sync",
        "Flask on gunicorn, with its default worker",
        gunicorn("flask_pages:app"),
        *_FLASK,
        note="Closes each connection.",
    ),
)
PAGES: Final = Comparison(
    name="pages",
    title="A page with a session",
    cases=(page(),),
    peers=(
        ours("ropewalk", "`render` and `request.session`", "ropewalk_pages.py:pages"),
        *FLASK,
        fastapi("FastAPI on uvicorn", "fastapi_pages:pages"),
    ),
)
FORMS: Final = Comparison(
    name="forms",
    title="A form",
    cases=(booking(),),
    peers=(
        ours("typed", "`Annotated[Booking, Form()]`", "ropewalk_pages.py:typed"),
        ours("by-hand", "`await request.form()`", "ropewalk_pages.py:by_hand"),
        theirs(
            "starlette",
            "Starlette on uvicorn",
            uvicorn("starlette_forms:app"),
            *("starlette", "python-multipart", "uvicorn", "httptools", "uvloop"),
        ),
        fastapi("FastAPI on uvicorn, with a model", "fastapi_pages:typed"),
        *FLASK,
    ),
)
UPLOADS: Final = Comparison(
    name="uploads",
    title="An upload",
    cases=(upload(),),
    peers=(
        variant("body", "`await request.body()`", "collected"),
        variant("form", "`await request.form()`"),
        variant("stream", "`request.stream()`", "streamed"),
        variant("parts", "`request.multipart()`"),
    ),
)
SESSIONS: Final = Comparison(
    name="sessions",
    title="A session",
    cases=(text("sessions", "GET of 13 bytes, with the cookie of a session"),),
    peers=(
        variant("none", "no sessions"),
        variant("around", "`sessions` with a signed cookie, not read"),
        variant("read", "read from a signed cookie"),
        variant("written", "read and written in a signed cookie"),
        variant("flash", "a flash message shown and one kept in a signed cookie", "flashed"),
        variant("memory-read", "read from `MemorySessions`", "memory_read"),
        variant("memory-written", "read and written in `MemorySessions`", "memory_written"),
        variant("sqlite-read", "read from `SQLiteSessions`", "sqlite_read"),
        variant("sqlite-written", "read and written in `SQLiteSessions`", "sqlite_written"),
    ),
)
CSRF: Final = Comparison(
    name="csrf",
    title="The CSRF check",
    cases=(posted("csrf", "POST with the cookie of a session, and a CSRF token instead of an Origin"),),
    peers=(
        variant("unchecked", "`sessions` without CSRF check"),
        variant("checked", "with CSRF check", "around"),
    ),
)
COMPRESSION: Final = Comparison(
    name="compression",
    title="Compressed JSON",
    cases=(records("gzip"),),
    peers=(
        ours("compressed", "`Compression`", "ropewalk_compressed.py:compressed"),
        ours("plain", "not compressed", "ropewalk_compressed.py:plain"),
        theirs(
            "starlette",
            "Starlette on uvicorn, with `GZipMiddleware`",
            uvicorn("starlette_compressed:app"),
            *("starlette", "uvicorn", "httptools", "uvloop"),
        ),
        theirs(
            "twisted",
            "twisted.web, with `GzipEncoderFactory`",
            lambda port, folder: [str(PYTHON), str(PROGRAMS / "twisted_compressed.py"), str(port)],
            "twisted",
        ),
    ),
)
CACHE: Final = Comparison(
    name="cache",
    title="A cached response",
    cases=(text("cache", "GET of 13 bytes"),),
    peers=(
        variant("none", "no cache: the handler"),
        variant("cached", "a stored response, `@cache(3600)`"),
        variant("without-status", "without Cache-Status", "cached_without_status"),
        variant("app", "of a cache around the app", "cached_app"),
        variant("sessions", "inside `sessions`, not read", "cached_inside"),
        variant("not-stored", "a response without a time, which is not stored", "not_stored"),
    ),
)
COMPARISONS: Final = (PAGES, FORMS, UPLOADS, SESSIONS, CSRF, COMPRESSION, CACHE)
