"""A panic in Rust code ends one connection, and nothing else."""

from typing import Any

import pytest
from tests.engine.world import GET, World


def panics() -> list[type[BaseException]]:
    """What PyO3 raises for panics. Each extension module has its own, which it takes for a panic when it comes back."""
    return [kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"]


def is_panic(kind: type[BaseException]) -> bool:
    """Serve a handler that raises it, and somebody else after that; whether it was one to our module."""
    world = World()

    def handle(request: Any) -> str:
        raise kind("somewhere below")

    world.serve(handle)
    world.pipe.feed(GET)
    ended, reports = world.output() or world.sink.calls, world.service.reports
    assert world.engine.running_exchanges == 0
    world.serve(lambda request: "well again")
    world.open()
    assert world.ask() == b"well again"
    if reports:
        assert ([(level, code) for level, code, _ in reports], ended) == ([("error", "RW505")], ["close"])
    return bool(reports)


def test_a_handler_in_which_something_panics() -> None:
    world = World()
    with pytest.raises(TypeError):
        world.engine.stop_listening("nowhere")  # type: ignore[arg-type]
    assert [is_panic(kind) for kind in panics()].count(True) == 1


@pytest.mark.parametrize("command", ["begin", "respond", "interim", "end"])
def test_fields_that_answer_while_they_are_taken(command: str) -> None:
    world = World()
    request = world.waiting()

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
    world.settle()
    assert world.output().endswith(b"from within")
