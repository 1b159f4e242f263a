"""`CompressionChoice`: whether one response is compressed."""

from typing import Any

from ropewalk.errors import HandlerError, shown


class CompressionChoice:
    """The attribute `compress` of a Response."""

    __slots__ = ("_compress",)

    _compress: bool
    """Whether the response is compressed; unset for the choice of the route or the app."""

    @property
    def compress(self) -> bool | None:
        """Whether the response is compressed, if the client and its type allow it; None for the choice of the route or
        the app. Set it to False for a page that has a secret and input of the client (BREACH).

        Assignment raises HandlerError (RW271) for another value.
        """
        return getattr(self, "_compress", None)

    @compress.setter
    def compress(self, compress: bool | None) -> None:
        given: object = compress
        if given is not None and not isinstance(given, bool):
            what = f"A response has the invalid value compress={shown(compress)}."
            raise HandlerError("RW271", what, "Write True, False or None.")
        if compress is not None:
            self._compress = compress
            response: Any = self
            response.headers = response.headers  # the engine sends a response without headers by itself
        elif hasattr(self, "_compress"):
            del self._compress
