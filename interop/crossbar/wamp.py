"""A client of WAMP in JSON without a library, over WebSocket and RawSocket (https://wamp-proto.org)."""

import json
import socket
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from interop.autobahn.talking import Talker
from interop.crossbar.node import REALM
from interop.raw import read

HELLO: Final = 1
WELCOME: Final = 2
GOODBYE: Final = 6
ERROR: Final = 8
PUBLISH: Final = 16
PUBLISHED: Final = 17
SUBSCRIBE: Final = 32
SUBSCRIBED: Final = 33
EVENT: Final = 36
CALL: Final = 48
RESULT: Final = 50
REGISTER: Final = 64
REGISTERED: Final = 65
INVOCATION: Final = 68
YIELD: Final = 70

ROLES: Final[dict[str, Any]] = {role: {} for role in ("caller", "callee", "publisher", "subscriber")}
RAW_HANDSHAKE: Final = b"\x7f\xf1\x00\x00"
"""The handshake of RawSocket for messages of up to 16 MiB in JSON."""

Message = list[Any]


class Session:
    """A client that has joined the realm."""

    def __init__(self, send: Callable[[str], None], receive: Callable[[], str]) -> None:
        self._send = send
        self._receive = receive
        self._numbers = count(1)
        self.send(HELLO, REALM, {"roles": ROLES})
        self.id = self.expect(WELCOME)[1]

    def send(self, *message: Any) -> None:
        self._send(json.dumps(message))

    def expect(self, kind: int) -> Message:
        """Return the next message, which must be of this kind."""
        message: Message = json.loads(self._receive())
        assert message[0] == kind, message
        return message

    def ask(self, kind: int, *rest: Any, reply: int) -> Message:
        """Send a request and return the reply."""
        number = next(self._numbers)
        self.send(kind, number, {}, *rest)
        message = self.expect(reply)
        assert message[2 if reply == ERROR else 1] == number
        return message

    def call(self, procedure: str, *arguments: Any) -> Any:
        return self.ask(CALL, procedure, arguments, reply=RESULT)[3][0]

    def subscribe(self, topic: str) -> None:
        self.ask(SUBSCRIBE, topic, reply=SUBSCRIBED)

    def register(self, procedure: str) -> None:
        self.ask(REGISTER, procedure, reply=REGISTERED)

    def publish(self, topic: str, *arguments: Any) -> None:
        number = next(self._numbers)
        self.send(PUBLISH, number, {"acknowledge": True}, topic, arguments)
        assert self.expect(PUBLISHED)[1] == number

    def event(self) -> Any:
        """The first argument of the next event."""
        return self.expect(EVENT)[4][0]

    def invoked(self) -> tuple[int, Message]:
        """The number and the arguments of the next call to a procedure of ours."""
        _, number, _, _, arguments = self.expect(INVOCATION)
        return number, arguments

    def leave(self) -> None:
        self.send(GOODBYE, {}, "wamp.close.normal")
        self.expect(GOODBYE)


def over_websocket(talker: Talker) -> Session:
    return Session(talker.send, talker.recv)


def over_rawsocket(client: socket.socket) -> Session:
    client.sendall(RAW_HANDSHAKE)
    assert read(client, 4)[:1] == RAW_HANDSHAKE[:1]

    def send(text: str) -> None:
        payload = text.encode()
        client.sendall(len(payload).to_bytes(4, "big") + payload)

    def receive() -> str:
        return read(client, int.from_bytes(read(client, 4), "big")).decode()

    return Session(send, receive)
