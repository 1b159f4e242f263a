"""Runs REDbot on the example sites."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conformance.differences import NOTES
from tests.conformance.linting import Note, linted
from tests.processes import EXAMPLES, ropewalk

pytestmark = pytest.mark.slow

SITES = {
    "hello.py": {"/": 200, "/hello/ada": 200, "/nowhere": 404},
    "hello_resource.py": {"/": 200, "/hello/ada": 200},
    "middleware.py": {"/": 200, "/divide/7/2": 200, "/divide/7/0": 422, "/vault": 401},
    "deferreds_and_asyncio.py": {"/deferred": 200, "/both": 200},
    "streaming.py": {"/zeros/1": 200, "/countdown/2": 200},
    "static_site/serve.py": {
        "/": 200,
        "/style.css": 200,
        "/length.js": 200,
        "/rope.svg": 200,
        "/knots": 308,
        "/knots/": 200,
        "/nowhere": 404,
    },
    "hotel": {"/rooms": 200, "/rooms?limit=0": 422, "/guests": 200, "/bookings": 200, "/cellar": 404},
}


PLACES = {(site, path): status for site, paths in SITES.items() for path, status in paths.items()}


@pytest.fixture(scope="module")
def notes(redbot_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Note, ...]]:
    """The notes of REDbot, by site and path."""
    books = {"HOTEL_DATABASE": str(tmp_path_factory.mktemp("hotel") / "hotel.sqlite")}
    with ExitStack() as stack:
        addresses = {
            site: stack.enter_context(ropewalk("run", EXAMPLES / site, "--access-log", "off", environment=books)).url
            for site in SITES
        }
        reports = linted(redbot_python, [addresses[site] + path for site, path in PLACES])
    assert {place: report.status for place, report in zip(PLACES, reports, strict=True)} == PLACES
    return {site + path: report.notes for (site, path), report in zip(PLACES, reports, strict=True)}


def test_nothing_is_bad(notes: dict[str, tuple[Note, ...]]) -> None:
    bad = {place: note for place, all_of_it in notes.items() for note in all_of_it if note.level == "BAD"}
    assert bad == {}


def test_warnings_are_those_that_are_listed(notes: dict[str, tuple[Note, ...]]) -> None:
    warnings = {note.name: note.summary for all_of_it in notes.values() for note in all_of_it if note.level == "WARN"}
    assert warnings == {note.name: note.summary for note in NOTES}


def test_it_has_something_to_say(notes: dict[str, tuple[Note, ...]]) -> None:
    assert all("CL_CORRECT" in {note.name for note in notes[place]} for place in ("hello.py/", "static_site/serve.py/"))
