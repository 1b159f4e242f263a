"""Schemathesis must find no faults: no server error, no status, media type or body that the document does not describe,
no valid data that is refused, no invalid data that is accepted."""

from pathlib import Path

from tests.api_checks import check_api
from tests.processes import EXAMPLES, ropewalk

HOTEL = """
[[operations]]
include-name = "GET /rooms"
# free_from and free_until go together, which JSON Schema cannot express for parameters.
checks.positive_data_acceptance.expected-statuses = ["2xx", 304, 404, 412, 422]

[[operations]]
include-name = ["GET /bookings", "GET /guests"]
# No made-up cursor is one of the list.
checks.positive_data_acceptance.expected-statuses = ["2xx", 304, 404, 412, 422]

[[operations]]
include-method = "GET"
# A generated If-Match never contains the ETag of the resource, so the response may be 412.
checks.positive_data_acceptance.expected-statuses = ["2xx", 304, 404, 412]

[[operations]]
include-name = ["PUT /rooms/{room}", "PATCH /rooms/{room}"]
# These operations need the ETag of the room, which the generated requests do not have.
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 412, 428]

[[operations]]
include-name = "PATCH /rooms/{room}"
# The handler compares the ETag first: the fields are checked when they are applied.
checks.negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 412, 415, 422, 428]

[[operations]]
include-name = "POST /bookings"
# A departure is after the arrival, and the room and the guest exist.
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]
"""

EVERY_TYPE = """
[[operations]]
include-name = "GET /tagged"
checks.positive_data_acceptance.expected-statuses = ["2xx", 304, 412]

[[operations]]
include-name = "POST /once"
# Examples have the same key.
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-name = "GET /fields"
# A client may send cookies that the operation does not know.
checks.negative_data_rejection.enabled = false

[[operations]]
include-name = ["POST /bill", "POST /everything"]
# A Decimal may be a number too, and a set may repeat an item.
checks.negative_data_rejection.enabled = false
"""

FORMS = """
[[operations]]
include-method = "POST"
# All values of a form are text: the number 5 is a valid str, and a single value is a list with one item.
checks.negative_data_rejection.enabled = false

[[operations]]
include-name = ["POST /any", "POST /fields", "POST /files", "POST /login", "POST /searches"]
# They allow other fields, but no name of a field is empty, or has control characters.
checks.positive_data_acceptance.expected-statuses = ["2xx", 400]
"""


def test_the_hotel(tmp_path: Path) -> None:
    variables = {"HOTEL_DATABASE": str(tmp_path / "hotel.sqlite"), "HOTEL_KEY": "key", "HOTEL_REQUESTS": "100000"}
    with ropewalk("run", EXAMPLES / "hotel", environment=variables) as server:
        document = f"{server.url}/openapi.json"
        check_api(document, tmp_path, examples=20, configuration=HOTEL, key=("X-API-Key", "key"))


def test_every_type(tmp_path: Path) -> None:
    with ropewalk("run", Path(__file__).with_name("every_type.py")) as server:
        check_api(f"{server.url}/openapi.json", tmp_path, examples=20, configuration=EVERY_TYPE)


def test_forms(tmp_path: Path) -> None:
    with ropewalk("run", Path(__file__).with_name("forms.py")) as server:
        check_api(f"{server.url}/openapi.json", tmp_path, examples=20, configuration=FORMS)
        assert server.stop() == 0
        assert "Traceback" not in server.errors
