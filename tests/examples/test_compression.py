"""The example `compression.py`."""

import gzip
import json

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


def test_a_compressed_request() -> None:
    body = gzip.compress(json.dumps([1.5] * 100).encode())
    response = Client(app).post(
        "/measurements", body=body, headers={"content-encoding": "gzip", "content-type": "application/json"}
    )
    assert response.json() == {"received": 100}


def test_events() -> None:
    events = Client(app).get("/events", headers=GZIP).events()
    assert [event.data for event in events] == ["0", "1", "2"]
