"""`HeadLimit`: the most bytes of the head of a response, for the transport on Twisted."""

from typing import Any, ClassVar


class HeadLimit:
    """Counts the bytes that a connection receives until the head of a response has arrived.

    Twisted's Agent limits the length of a line, but not the number of lines.
    """

    MOST: ClassVar[int] = 128 * 1024
    """A little more than the 100 KiB that h11 allows, which httpx2 uses: here, bytes of the body that arrive together
    with the head are counted, too."""

    def __init__(self) -> None:
        self.exceeded = False
        self._left = self.MOST
        self._connection: Any = None

    def begin(self, connection: Any) -> Any:
        """Count the bytes that a connection receives from now on. Returns the connection."""
        self._connection = connection
        received = connection.dataReceived

        def count(data: bytes) -> None:
            self._left -= len(data)
            if self._left >= 0:
                received(data)
            elif not self.exceeded:
                self.exceeded = True
                connection.abort()

        connection.dataReceived = count
        return connection

    def end(self) -> None:
        """Stop counting."""
        connection, self._connection = self._connection, None
        if connection is not None and not self.exceeded:
            del connection.dataReceived  # the method of its class is called again
