"""The options of `wsgi()`."""

import pytest
from tests.unit.wsgi.applications import Recorder, validated

from ropewalk.errors import HandlerError
from ropewalk.testing import Client
from ropewalk.wsgi import WSGIOptions, wsgi


class TestOptions:
    @pytest.mark.parametrize("options", [{"threads": 0}, {"threads": -1}, {"waiting": 0}])
    def test_invalid_numbers(self, options: dict[str, int]) -> None:
        ((name, number),) = options.items()
        with pytest.raises(HandlerError, match=f"RW271 WSGIOptions has the invalid value {name}={number} "):
            WSGIOptions(**options)

    def test_the_application_knows_whether_it_has_several_threads(self) -> None:
        for threads, several in ((1, False), (2, True), (None, True)):
            recorder = Recorder()
            Client(wsgi(validated(recorder), WSGIOptions(threads=threads))).get("/")
            assert recorder.environ["wsgi.multithread"] is several

    def test_a_limit_for_the_body(self) -> None:
        recorder = Recorder()
        asked = Client(wsgi(validated(recorder), WSGIOptions(body_limit=10)))
        assert asked.post("/", body=b"x" * 10).status == 200
        assert asked.post("/", body=b"x" * 11).status == 413
        assert recorder.body == b"x" * 10

    def test_the_engines_limit_for_the_body(self) -> None:
        recorder = Recorder()
        asked = Client(wsgi(validated(recorder), WSGIOptions(body_limit=None)))
        assert asked.post("/", body=b"x" * ((1 << 20) + 1)).status == 413
