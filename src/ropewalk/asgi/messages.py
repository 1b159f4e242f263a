"""The messages between an ASGI server and an application (ASGI 3.0): types, checks and conversions."""

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
"""The version of "HTTP & WebSocket" that is implemented.

With 2.4, frameworks would not call `receive` while they send, so a stream that waits for other events would continue
after its client has left.
"""
LIFESPAN: Final = "2.0"
"""The version of the "Lifespan" specification that is implemented."""

_CLIENT_LEFT: Final = {"ClientDisconnect", "RequestAborted"}


class ClientGone(OSError):
    """Raised by `send` if an application sends many messages to a client that has left."""


def says_client_left(error: BaseException) -> bool:
    """Whether an application raises this exception because its client has left.

    Starlette's ClientDisconnect and Django's RequestAborted are not OSErrors. They are recognized by their names,
    because the frameworks may not be installed.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(map(says_client_left, error.exceptions))
    if isinstance(error, OSError | CancelledError | Disconnected):
        return True
    return any(kind.__name__ in _CLIENT_LEFT for kind in type(error).__mro__)


def unfit(message: object, when: str) -> HostedError:
    """The error for a message that is invalid, or invalid at this time."""
    kind = message.get("type") if isinstance(message, MutableMapping) else None
    return HostedError("RW713", f"{kind if isinstance(kind, str) else shown(message)} was sent {when}.")


def octets(value: object) -> bytes:
    """Convert a bytes-like object to bytes. Raises TypeError for other objects."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"the value must be bytes, not {type(value).__qualname__}")


def pairs(headers: Iterable[Any]) -> list[tuple[bytes, bytes]]:
    """Convert headers to the tuples that the engine takes. Transfer-Encoding is left out: ASGI servers must ignore it.

    ASGI does not allow str here. It is accepted nevertheless and encoded as UTF-8, as the engine does.
    """
    fields = [(_octets(name), _octets(value)) for name, value in headers]
    return [field for field in fields if field[0].lower() != b"transfer-encoding"]


def _octets(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else octets(value)
