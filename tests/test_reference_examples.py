"""Each page of the reference opens with a complete example, which does what the page describes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ropewalk import Site
from ropewalk.testing import Client

PAGES = Path(__file__).parent.parent / "docs" / "reference"

OPENING = re.compile(r"# (\w+)\n\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

Names = dict[str, Any]


def example_of(page: str) -> str:
    """The code at the beginning of a page."""
    found = OPENING.match((PAGES / f"{page}.md").read_text(encoding="utf-8"))
    assert found, f"begin docs/reference/{page}.md with its title and a complete example in Python"
    return found[2]


def app(names: Names) -> None:
    assert served(names).get("/rooms/12").json() == {"number": 12}


def auth(names: Names) -> None:
    client = served(names)
    assert client.get("/me").status == 401
    assert client.get("/me", headers={"X-API-Key": "open-sesame"}).text == "desk"


def asgi(names: Names) -> None:
    assert served(names).get("/hosted/").text == "Hello by ASGI"


def charsets(names: Names) -> None:
    sent = {"Content-Type": "text/plain; charset=utf-16"}
    assert served(names).post("/echo", body="é".encode("utf-16"), headers=sent).body == b"\xe9"


def clocks(names: Names) -> None:
    assert names["expires"] > 60


def compression(names: Names) -> None:
    response = served(names).get("/", headers={"accept-encoding": "br, gzip"})
    assert response.headers["content-encoding"] == "gzip"


def converters(names: Names) -> None:
    client = served(names)
    assert client.get("/rooms/12").json() == {"number": 12}
    assert client.get("/rooms/twelve").status == 404
    assert client.get("/notes/a/b").text == "a/b"


def cookies(names: Names) -> None:
    client = served(names)
    assert [client.get("/theme").text, client.get("/theme").text] == ["light", "dark"]


def databases(names: Names) -> None:
    with served(names) as client:
        assert client.post("/visits/home").status == 201
    assert Path("visits.sqlite").exists()


def dropin(names: Names) -> None:
    assert type(names["site"]).__name__ == "Site"


def etags(names: Names) -> None:
    client = served(names)
    tag = client.get("/room").headers["etag"]
    assert client.put("/room", json={"beds": 3}, headers={"If-Match": tag}).json() == {"beds": 3}
    assert client.put("/room", json={"beds": 4}, headers={"If-Match": tag}).status == 412


def files(names: Names) -> None:
    assert served(names).get("/public/page.txt").text == "A page"


def forms(names: Names) -> None:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n',
        b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\nJPEG\r\n--b--\r\n',
    ]
    sent = {"Content-Type": "multipart/form-data; boundary=b"}
    assert served(names).post("/guests", body=b"".join(parts), headers=sent, follow_redirects=False).status == 303
    assert names["guests"] == ["Ada"]
    assert [file.read_bytes() for file in Path().glob("*.jpg")] == [b"JPEG"]


def headers(names: Names) -> None:
    assert len(names["headers"]) == 3


def json_values(names: Names) -> None:
    client = served(names)
    assert client.post("/rooms", json={"number": "12", "beds": 2}).text == "Room 12 has 2 beds."
    assert client.post("/rooms", json={"number": "12", "beds": "many"}).status == 422


def limits(names: Names) -> None:
    assert names["app"].limits.head_timeout == 5


def methods(names: Names) -> None:
    client = served(names)
    assert client.request("PURGE", "/cache/a").text == "a is forgotten."
    assert client.request("M-SEARCH", "/device").text == "M-SEARCH"


def middleware(names: Names) -> None:
    response = served(names).get("/")
    assert response.headers["x-served-by"] == "hotel"
    assert response.headers["x-request-id"]
    assert response.headers["ratelimit-policy"]


def msgpack_values(names: Names) -> None:
    assert served(names).get("/rooms", headers={"Accept": names["MSGPACK"]}).body == b"\x92\x0c\x0d"


def negotiation(names: Names) -> None:
    client = served(names)
    assert client.get("/rooms", headers={"Accept": "text/csv"}).text == "Attic\r\nGarden\r\n"
    assert client.get("/rooms", headers={"Accept": "application/json"}).json() == ["Attic", "Garden"]


def openapi(names: Names) -> None:
    client = served(names)
    assert set(client.get("/openapi.json").json()["paths"]) == {"/rooms/{number}"}
    assert client.get("/docs").status == 200


def paging(names: Names) -> None:
    client = served(names)
    first = client.get("/rooms?limit=2").json()
    second = client.get(f"/rooms?limit=2&cursor={first['next']}").json()
    assert [room["number"] for page in (first, second) for room in page["items"]] == [1, 2, 3, 4]


def proxies(names: Names) -> None:
    client = Client(names["app"], address=("10.1.2.3", 80))
    assert "192.0.2.7" in client.get("/", headers={"X-Forwarded-For": "192.0.2.7"}).text


def request(names: Names) -> None:
    sent = {"User-Agent": "tests"}
    response = served(names).post("/rooms/12?night=2027-05-01", json={"beds": 2}, headers=sent)
    assert response.json() == {"method": "POST", "query": "2027-05-01", "agent": "tests", "body": {"beds": 2}}


def resource(names: Names) -> None:
    assert served(names).get("/rooms/12").json() == {"number": "12"}


def response(names: Names) -> None:
    client = served(names)
    assert client.get("/page").headers["content-type"] == "text/html; charset=utf-8"
    moved = client.get("/old", follow_redirects=False)
    assert (moved.status, moved.headers["location"]) == (308, "/page")


def routing(names: Names) -> None:
    client = served(names)
    assert client.get("/rooms/12").json() == {"number": 12}
    assert client.get("/rooms/best").text == "12"


def server(names: Names) -> None:
    assert isinstance(names["site"], Site)


def sessions(names: Names) -> None:
    with Client(names["app"], secure=True) as client:
        assert [client.get("/visits").text for _ in range(2)] == ["Visit 1", "Visit 2"]


def static_files(names: Names) -> None:
    name = names["static"].name_with_hash("site.css")
    assert "immutable" in served(names).get(f"/static/{name}").headers["cache-control"]


def statuses(names: Names) -> None:
    client = served(names)
    added = client.post("/rooms", json={"number": "12"})
    assert (added.status, added.headers["location"]) == (201, "/rooms/12")
    taken = client.post("/rooms", json={"number": "12"})
    assert (taken.status, taken.json()) == (409, {"reason": "The number is taken."})


def stores(names: Names) -> None:
    with served(names) as client:
        assert client.get("/").headers["ratelimit-policy"]


def templating(names: Names) -> None:
    assert served(names).get("/rooms").text == "<p>attic, garden"


def _testing(names: Names) -> None:
    assert names["response"].status == 200


def twisted_versions(names: Names) -> None:
    assert names["is_tested"](names["TESTED"][0])


def typed(names: Names) -> None:
    client = served(names)
    room = {"number": "12", "beds": 2}
    assert client.post("/hotels/sea/rooms?dry_run=true", json=room).json() == room
    assert client.post("/hotels/sea/rooms", json=room | {"beds": 0}).status == 422


def waiting(names: Names) -> None:
    assert served(names).post("/length", body="rope").json() == {"length": 4}


def wsgi(names: Names) -> None:
    with served(names) as client:
        assert client.get("/hosted/").text == "Hello by WSGI"


def served(names: Names) -> Client:
    return Client(names["app"])


CHECKS: dict[str, Callable[[Names], None]] = {
    check.__name__.removeprefix("_"): check
    for check in [
        *(
            app,
            auth,
            asgi,
            charsets,
            clocks,
            compression,
            converters,
            cookies,
            databases,
            dropin,
            etags,
            files,
            forms,
            headers,
        ),
        *(json_values, limits, methods, middleware, msgpack_values, negotiation, openapi, paging, proxies, request),
        *(resource, response, routing, server, sessions, static_files, statuses, stores, templating, _testing),
        *(twisted_versions, typed, waiting, wsgi),
    ]
}


@pytest.mark.parametrize("page", CHECKS)
def test_the_example_of_a_page(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "public/page.txt": "A page",
        "static/site.css": "p { margin: 0 }",
        "templates/rooms.html": "<p>{{ rooms|join(', ') }}",
    }.items():
        file = tmp_path / name
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
    names: Names = {"__name__": f"example_of_{page}"}
    exec(compile(example_of(page), f"docs/reference/{page}.md", "exec", dont_inherit=True), names)
    CHECKS[page](names)
