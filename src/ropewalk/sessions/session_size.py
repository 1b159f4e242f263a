"""The maximum size of a session: `size_limit` in a store, and the size that browsers accept in a signed cookie."""

from msgspec import Raw

from ropewalk.cookies import LARGEST_COOKIE
from ropewalk.errors import HandlerError, shown
from ropewalk.sessions.options import SessionsOptions


def check_stored_size(values: dict[str, bytes], options: SessionsOptions) -> None:
    """Raises HandlerError (RW252) for values that are too large for a store."""
    size = sum(len(name.encode("utf-8", "surrogatepass")) + len(value) for name, value in values.items())
    if size > options.size_limit:
        raise _too_large(values, size, options.size_limit)


def check_cookie_size(text: str, values: dict[str, Raw], options: SessionsOptions) -> None:
    """Raises HandlerError (RW252) for a signed text that is too large for a cookie."""
    most = LARGEST_COOKIE - len("__Host-") - len(options.cookie)
    if len(text) > most:
        raise _too_large({name: bytes(value) for name, value in values.items()}, len(text), most)


def _too_large(values: dict[str, bytes], size: int, most: int) -> HandlerError:
    """The error, with the names of the largest values."""
    largest = sorted(values, key=lambda name: len(values[name]), reverse=True)[:3]
    names = ", ".join(f"{shown(name)} ({len(values[name])} bytes)" for name in largest)
    return HandlerError(
        "RW252", f"A session has {size} bytes, and may have at most {most}. Its largest values: {names}."
    )
