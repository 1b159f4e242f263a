"""Messages between the supervisor and its workers."""

import socket

from ropewalk.dev.messages import MessageSocket


def test_messages_that_arrive_in_parts() -> None:
    raw, end = socket.socketpair()
    messages = MessageSocket(end)
    assert messages.receive(wait=False) == []
    raw.sendall(b'{"kind": "go"')
    assert messages.receive() == []
    raw.sendall(b'}\n{"kind": "drain"}\n')
    assert messages.receive() == [{"kind": "go"}, {"kind": "drain"}]
    raw.close()
    assert messages.receive() is None
    messages.send("ready")  # no error, although the other process has ended
    messages.close()
