"""Second and late responses."""

import pytest
from tests.wire.output.conftest import Careless, assert_logged, request


class TestOrder:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("finishes_twice", "RW301"),
            ("finishes_twice_after_writing", "RW301"),
            ("writes_after_the_end", "RW301"),
            ("returns_after_the_end", "RW301"),
            ("returns_a_response_after_the_end", "RW301"),
            ("returns_parts_after_the_end", "RW302"),
            ("responds_twice", "RW301"),
            ("raises_after_the_end", "RW208"),
        ],
    )
    def test_after_the_end(self, careless: Careless, name: str, code: str) -> None:
        """The response is sent, and the next one is not affected."""
        responses = careless.responses(*[request(f"/late-responses/{name}")] * 3)
        assert {response.text for response in responses} <= {"", "Hello, World!"}
        assert {response.status for response in responses} == {200}
        logged = careless.log()
        assert len(logged) == 3
        for entry in logged:
            assert_logged(entry, code, f"/late-responses/{name}", name)

    @pytest.mark.parametrize("name", ["finishes_again_later", "writes_later_after_the_end"])
    def test_after_the_end_when_the_handler_has_returned(self, careless: Careless, name: str) -> None:
        """Twisted logs uncaught exceptions; the exception names the handler that made the mistake."""
        (response,) = careless.responses(request(f"/late-responses/{name}"))
        assert response.text == "Hello, World!"
        entries = [entry for entry in careless.logged() if "RW301" in entry]
        assert len(entries) == 1
        assert f"RW301 {name} at tests/wire/output/leaves.py:" in entries[0]
        assert "Write before you return or call finish." in entries[0]

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("returns_after_a_write", "RW302"),
            ("returns_a_response_after_a_write", "RW302"),
            ("returns_parts_after_a_write", "RW302"),
            ("begins_twice", "RW302"),
            ("interim_after_the_head", "RW302"),
            ("upgrade_after_the_head", "RW302"),
            ("raises_http_error_after_the_head", "RW208"),
        ],
    )
    def test_after_the_head(self, careless: Careless, name: str, code: str) -> None:
        """A part of the response was sent, so the connection is closed."""
        received = careless.cut(request(f"/late-responses/{name}"))
        assert received.count(b"HTTP/1.1 ") <= 1
        assert not received.endswith(b"0\r\n\r\n")
        (entry,) = careless.log()
        assert_logged(entry, code, f"/late-responses/{name}", name)
