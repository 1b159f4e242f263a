"""A client that openapi-python-client generates from the document of the hotel, without a warning, works with it."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conformance.fetching import needed
from tests.conformance.openapi.generated_client import generate, interpreter, run
from tests.processes import EXAMPLES, ropewalk

PROGRAM = Path(__file__).with_name("hotel_guest.py")
KEY = "the key of the front desk"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results that the client printed."""
    folder = tmp_path_factory.mktemp("client")
    with needed():
        python = interpreter()
    variables = {"HOTEL_DATABASE": str(folder / "hotel.sqlite"), "HOTEL_KEY": KEY}
    with ropewalk("run", EXAMPLES / "hotel", environment=variables) as server:
        document = folder / "openapi.json"
        document.write_bytes(httpx.get(f"{server.url}/openapi.json").content)
        generate(python, document, folder / "hotel_client")
        results: dict[str, Any] = json.loads(run(python, PROGRAM, server.url, KEY, packages=folder))
    return results


def room(number: int, price: int = 9500) -> dict[str, Any]:
    return {"id": number, "number": str(number), "beds": 2, "price": price}


def refused(response: dict[str, Any], status: int, kind: str = "Problem") -> dict[str, Any]:
    """The problem details that the client converted to an object."""
    assert response["status"] == status
    assert response["classes"] == [kind]
    assert response["body"]["status"] == status
    body: dict[str, Any] = response["body"]
    return body


def test_it_adds(found: dict[str, Any]) -> None:
    assert [each["body"] for each in found["added"]] == [room(1), room(2), room(3)]
    assert all(each["classes"] == ["Room"] for each in found["added"])


def test_it_gets_pages(found: dict[str, Any]) -> None:
    assert found["page"]["body"] == [room(1), room(2)]
    assert re.fullmatch(r'<http://127.0.0.1:\d+/rooms\?limit=2&cursor=[\w.~-]+>; rel="next"', found["link"])
    assert found["next page"]["body"] == [room(3)]
    assert found["next page"]["classes"] == ["Room"]


def test_its_errors_are_objects(found: dict[str, Any]) -> None:
    assert "There is a room 1 already." in refused(found["added twice"], 409)["detail"]
    assert "no room 9" in refused(found["no room"], 404)["detail"]
    refused(found["added without a key"], 401)
    refused(found["added with a wrong key"], 401)
    errors = refused(found["invalid"], 422, "InvalidInputProblem")["errors"]
    assert [each["pointer"] for each in errors] == ["/number", "/beds"]
    errors = refused(found["invalid page"], 422, "InvalidInputProblem")["errors"]
    assert [each["name"] for each in errors] == ["limit"]


def test_it_sends_the_fields_that_middleware_and_handlers_read(found: dict[str, Any]) -> None:
    assert found["unchanged"]["status"] == 304
    assert found["changed"]["body"] == room(1, price=1)
    refused(found["changed twice"], 412)
    refused(found["changed blindly"], 428)


def test_it_writes_and_reads_dates(found: dict[str, Any]) -> None:
    booking = {"id": 1, "room": 1, "guest": 1, "arrival": "2027-05-01", "departure": "2027-05-04"}
    assert found["booked"] == {"status": 201, "classes": ["Booking"], "body": booking}
    assert found["free"] == ["2", "3"]
    assert [json.loads(line) for line in found["exported"].splitlines()] == [booking]


def test_a_response_without_a_body(found: dict[str, Any]) -> None:
    assert found["removed"] == {"status": 204, "classes": ["NoneType"], "body": None}
