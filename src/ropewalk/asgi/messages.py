"""What an ASGI server and an application say to each other (ASGI 3.0)."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from ropewalk.errors import Disconnected, HostedError, shown

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HTTP: Final = "2.3"
"""The version of "HTTP & WebSocket" that is kept to. From 2.4 on frameworks do not listen for the client's leaving
while they send, and a stream that waits for something else would not end with its client."""
LIFESPAN: Final = "2.0"
"""The version of "Lifespan"."""

_CLIENT_LEFT: Final = {"ClientDisconnect", "RequestAborted"}


class ClientGone(OSError):
    """Raised by `send` where an application goes on and on for a client that has left."""


def says_client_left(error: BaseException) -> bool:
    """Whether an error is what an application raises to say that its client has left.

    Starlette's ClientDisconnect and Django's RequestAborted are no OSErrors. They are known by their names, since
    neither framework need be installed.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(map(says_client_left, error.exceptions))
    if isinstance(error, OSError | CancelledError | Disconnected):
        return True
    return any(kind.__name__ in _CLIENT_LEFT for kind in type(error).__mro__)


def unfit(message: object, when: str) -> HostedError:
    """The error for a message that cannot be taken at this time, or at all."""
    kind = message.get("type") if isinstance(message, MutableMapping) else None
    return HostedError("RW713", f"{kind if isinstance(kind, str) else shown(message)} was sent {when}.")


def octets(value: object) -> bytes:
    """What may be bytes of another kind, as bytes. Raises TypeError for what is none at all."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"bytes are wanted, not {type(value).__qualname__}")


def pairs(headers: Iterable[Any]) -> list[tuple[bytes, bytes]]:
    """Headers as the engine takes them: tuples, and without Transfer-Encoding, which ASGI has servers ignore.

    str, which ASGI does not have, is UTF-8, as the engine has it.
    """
    fields = [(_octets(name), _octets(value)) for name, value in headers]
    return [field for field in fields if field[0].lower() != b"transfer-encoding"]


def _octets(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else octets(value)
