"""A panic in Rust code ends one connection, and nothing else."""

from typing import Any

import pytest
from tests.engine.harness import GET, Harness


def panics() -> list[type[BaseException]]:
    """The class of the exception that PyO3 raises for a panic. Each extension module has its own class for it."""
    return [kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"]


def is_panic(kind: type[BaseException]) -> bool:
    """Serve a handler that raises this exception, then another connection. Return whether a panic was reported."""
    harness = Harness()

    def handle(request: Any) -> str:
        raise kind("somewhere below")

    harness.serve(handle)
    harness.pipe.feed(GET)
    ended, reports = harness.output() or harness.sink.calls, harness.service.reports
    assert harness.engine.running_exchanges == 0
    harness.serve(lambda request: "well again")
    harness.open()
    assert harness.body_of() == b"well again"
    if reports:
        assert ([(level, code) for level, code, _ in reports], ended) == ([("error", "RW505")], ["close"])
    return bool(reports)


def test_a_handler_that_panics() -> None:
    harness = Harness()
    with pytest.raises(TypeError):
        harness.engine.stop_listening("nowhere")  # type: ignore[arg-type]
    assert [is_panic(kind) for kind in panics()].count(True) == 1


@pytest.mark.parametrize("command", ["begin", "respond", "interim", "end"])
def test_fields_that_respond_while_they_are_read(command: str) -> None:
    harness = Harness()
    request = harness.waiting()

    def fields() -> Any:
        request.respond(200, (), b"from within")
        yield "x", "y"

    with pytest.raises(Exception, match="complete already"):
        {
            "begin": lambda: request.begin(200, fields()),
            "respond": lambda: request.respond(200, fields(), b""),
            "interim": lambda: request.interim(103, fields()),
            "end": lambda: request.end(fields()),
        }[command]()
    harness.run_turns()
    assert harness.output().endswith(b"from within")
