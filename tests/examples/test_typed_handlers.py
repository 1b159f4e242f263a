"""Parameters by annotation, as the guide shows them."""

from ropewalk.testing import Client
from typed_handlers import GUESTS, ROOMS, app

client = Client(app)


def test_rooms() -> None:
    ROOMS.clear()
    added = client.post("/rooms", json={"number": "12", "beds": 2})
    assert (added.status, added.json()) == (201, {"number": "12", "beds": 2, "id": 1})
    assert client.get("/rooms?beds=2").json() == [added.json()]
    assert client.get("/rooms?beds=3&limit=10").json() == []


def test_mistakes_in_a_body() -> None:
    refused = client.post("/rooms", json={"number": "", "beds": 30, "colour": "red"})
    assert refused.status == 422
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/number", "length"),
        ("/beds", "range"),
        ("/colour", "unknown"),
    ]


def test_a_path_and_a_header() -> None:
    assert client.get("/prices/2027-05-01").json() == {"day": "2027-05-01", "language": "en"}
    assert client.get("/prices/2027-05-01", headers={"Accept-Language": "de"}).json()["language"] == "de"
    assert client.get("/prices/tomorrow").status == 422


def test_a_whole_query() -> None:
    assert client.get("/search?tag=sea&tag=quiet").json() == {"tag": ["sea", "quiet"], "order": "name"}
    refused = client.get("/search?colour=red").json()["errors"]
    assert refused == [
        {"location": "query", "name": "colour", "code": "unknown", "message": "There is no field of this name."}
    ]


def test_a_check_of_the_program() -> None:
    assert client.post("/stays", json={"arrival": "2027-05-01", "departure": "2027-05-02"}).status == 204
    refused = client.post("/stays", json={"arrival": "2027-05-01", "departure": "2027-05-01"})
    assert refused.json()["errors"] == [
        {"location": "body", "code": "invalid", "message": "departure must be after arrival"}
    ]


def test_a_list_of_sentences() -> None:
    refused = client.post("/v1/stays", json={"arrival": "2027-05-01", "departure": "2027-05-01"})
    assert (refused.status, refused.json()) == (422, ["body: departure must be after arrival"])


def test_several_statuses() -> None:
    GUESTS.clear()
    added = client.put("/guests/ada")
    assert (added.status, added.json(), added.headers["location"]) == (201, {"name": "ada"}, "/guests/ada")
    assert client.put("/guests/%E2%82%AC%3F").headers["location"] == "/guests/%E2%82%AC%3F"
    refused = client.put("/guests/ada")
    assert (refused.status, refused.json()) == (409, {"reason": "There is a guest of this name."})


def test_streams() -> None:
    ROOMS.clear()
    client.post("/rooms", json={"number": "12", "beds": 2})
    assert client.get("/rooms.jsonl").text == '{"number":"12","beds":2,"id":1}\n'
    (event,) = client.get("/events").raise_for_status().events()
    assert (event.event, event.id, event.data) == ("room", "1", '{"number":"12","beds":2,"id":1}')


def test_only_annotated_fields_are_sent() -> None:
    assert client.get("/guests/Ada").json() == {"name": "Ada"}
