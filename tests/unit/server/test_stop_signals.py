"""The signals that stop a server."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from ropewalk.server.stop_signals import handle_stop_signals


def test_a_signal_during_the_handler_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second signal may arrive while the handler of the first one runs, because Python calls signal handlers between
    any two instructions."""
    handlers: dict[int, Any] = {}
    calls: list[Any] = []
    nested: list[int] = []

    def handle(number: int, handler: Any) -> None:
        for _ in range(len(nested)):
            handlers[nested.pop()](signal.SIGINT, None)
        handlers[number] = handler

    monkeypatch.setattr(signal, "signal", handle)
    server: Any = SimpleNamespace(abort="abort")
    reactor: Any = SimpleNamespace(callFromThread=lambda call: calls.append(getattr(call, "__name__", call)))
    handle_stop_signals(reactor, server)
    handler = handlers[signal.SIGTERM]
    handler(signal.SIGTERM, None)
    nested += [signal.SIGINT]
    handler(signal.SIGTERM, None)
    assert calls == ["drain", "abort"]
    assert {handlers[number] for number in (signal.SIGINT, signal.SIGTERM)} == {signal.SIG_DFL}
