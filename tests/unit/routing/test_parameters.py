"""Parameters of paths, by patterns and annotations."""

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from tests.unit.routing.handlers import responding

from ropewalk import App, Converter, Request, Resource
from ropewalk.testing import Client


class TestParameters:
    def test_by_the_pattern(self) -> None:
        app = App()
        app.get("/users/{id:int}/files/{name:path}")(lambda request, id, name: {"id": id, "name": name})
        client = Client(app)
        assert client.get("/users/7/files/a/b.txt").json() == {"id": 7, "name": "a/b.txt"}
        assert client.get("/users/7/files/").json() == {"id": 7, "name": ""}
        assert client.get("/users/seven/files/a").status == 404

    def test_by_the_annotation(self) -> None:
        app = App()

        @app.get("/{number}/{ratio}/{key}/{word}")
        def handler(request: Request, number: int, ratio: float, key: UUID, word: str) -> list[str]:
            return [type(value).__name__ for value in (number, ratio, key, word)]

        response = Client(app).get("/7/0.5/12345678-1234-5678-1234-567812345678/x")
        assert response.json() == ["int", "float", "UUID", "str"]

    def test_a_converter_of_ones_own(self) -> None:
        app = App()
        app.converter(Converter("date", date.fromisoformat, date.isoformat, makes=date))

        @app.get("/by-pattern/{day:date}")
        def by_pattern(request: Request, day: Any) -> str:
            return str(day.year)

        @app.get("/by-annotation/{day}")
        def by_annotation(request: Request, day: date) -> str:
            return str(day.year)

        client = Client(app)
        assert client.get("/by-pattern/2027-05-01").text == "2027"
        assert client.get("/by-annotation/2027-05-01").text == "2027"
        assert client.get("/by-annotation/2027-13-01").status == 404
        assert app.url_for("by_annotation", day=date(2027, 5, 1)) == "/by-annotation/2027-05-01"

    def test_the_more_specific_comes_first(self) -> None:
        app = App()
        app.get("/{rest:path}")(lambda request, rest: f"path {rest}")
        app.get("/{word}")(lambda request, word: f"word {word}")
        app.get("/{number:int}")(lambda request, number: f"number {number}")
        app.get("/fixed")(responding("fixed"))
        client = Client(app)
        assert client.get("/fixed").text == "fixed"
        assert client.get("/7").text == "number 7"
        assert client.get("/x").text == "word x"
        assert client.get("/x/y").text == "path x/y"

    def test_a_step_that_leads_nowhere_is_taken_back(self) -> None:
        app = App()
        app.get("/rooms/free")(responding("free"))
        app.get("/rooms/{id}/bookings")(lambda request, id: f"bookings of {id}")
        assert Client(app).get("/rooms/free/bookings").text == "bookings of free"

    def test_another_method_below_another_converter(self) -> None:
        app = App()
        app.get("/{id:int}")(lambda request, id: "number")
        app.delete("/{id:str}")(lambda request, id: f"deleted {id!r}")
        client = Client(app)
        assert client.delete("/7").text == "deleted '7'"
        assert client.get("/seven").status == 405

    def test_decoded(self) -> None:
        app = App()
        app.get("/{name}")(lambda request, name: name)
        assert Client(app).get("/a%2Bb%20%C3%A9").text == "a+b é"

    @pytest.mark.parametrize("segment", ["a%2Fb", "..%2fnotes.py", "%2Fetc%2Fpasswd", "%2F", "a%2F"])
    def test_an_encoded_slash_is_in_no_parameter_of_one_segment(self, segment: str) -> None:
        """No value of a parameter of one segment has a slash, not even an encoded one. Otherwise a handler that joins
        the value to a folder could get a path outside of the folder."""
        app = App()
        app.converter(Converter("shout", str.upper))
        for pattern in ("/str/{name}", "/named/{name:str}", "/own/{name:shout}", "/above/{name}/x"):
            app.get(pattern)(lambda request, name: f"one {name}")
        client = Client(app)
        assert client.get(f"/str/{segment}").status == 404
        assert client.get(f"/named/{segment}").status == 404
        assert client.get(f"/own/{segment}").status == 404
        assert client.get(f"/above/{segment}/x").status == 404

    def test_an_encoded_slash_is_for_what_takes_the_rest(self) -> None:
        app = App()
        app.get("/{name}")(lambda request, name: f"one {name}")
        app.get("/{rest:path}")(lambda request, rest: f"rest {rest}")
        assert Client(app).get("/a%2Fb").text == "rest a/b"
        assert Client(app).get("/a%20b").text == "one a b"

    def test_an_encoded_slash_is_in_no_parameter_of_a_mount(self) -> None:
        inner, app = App(), App()
        inner.get("/files")(lambda request: request.params["tenant"])
        app.mount("/{tenant}", inner)
        assert Client(app).get("/a%2Fb/files").status == 404
        assert Client(app).get("/a%20b/files").text == "a b"

    def test_an_encoded_slash_is_in_no_parameter_of_an_app_at_a_segment(self) -> None:
        app = App()
        app.get("/{name}")(lambda request, name: name)
        root = Resource()
        root.putChild("api", app)
        assert Client(root).get("/api/a%2Fb").status == 404

    def test_a_file_above_a_folder_is_not_sent_by_an_encoded_slash(self, tmp_path: Path) -> None:
        (tmp_path / "public").mkdir()
        (tmp_path / "notes.py").write_text("secret")
        app = App()
        app.get("/download/{name}")(lambda request, name: tmp_path / "public" / name)
        for way in ("..%2fnotes.py", "%2e%2e%2Fnotes.py", quote(str(tmp_path / "notes.py"), safe="")):
            assert Client(app).get(f"/download/{way}").status == 404

    def test_a_handler_may_leave_them_to_the_request(self) -> None:
        app = App()
        app.get("/{id:int}")(lambda request: str(request.params["id"] + 1))
        assert Client(app).get("/7").text == "8"

    def test_keywords_take_all(self) -> None:
        app = App()
        app.get("/{a}/{b}")(lambda request, **parameters: parameters)
        assert Client(app).get("/1/2").json() == {"a": "1", "b": "2"}
