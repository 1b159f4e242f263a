"""The example `compression.py`."""

import gzip

import pytest

from compression import app
from ropewalk.testing import Client

GZIP = {"accept-encoding": "gzip"}


@pytest.mark.parametrize(
    ("path", "coding"),
    [("/rooms", "gzip"), ("/events", "gzip"), ("/account", None), ("/report", "gzip"), ("/report?for=archive", None)],
)
def test_it_is_compressed(path: str, coding: str | None) -> None:
    response = Client(app).get(path, headers=GZIP)
    assert response.headers.get("content-encoding") == coding


def test_events() -> None:
    body = gzip.decompress(Client(app).get("/events", headers=GZIP).body)
    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
