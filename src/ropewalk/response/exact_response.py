"""`ExactResponse`: the response of a hosted application, sent with exactly its header fields."""

from ropewalk.headers import Text
from ropewalk.open_files import OpenFile
from ropewalk.request import Request
from ropewalk.response.response import Response


class ExactResponse(Response):
    """A response with the head that a hosted application has made. No Content-Type or Last-Modified is added to it."""

    __slots__ = ()

    def _file_fields(self, file: OpenFile, request: Request) -> list[tuple[str, Text]]:
        del file, request
        return self.headers.encoded()

    def take_type_of(self, part: bytes | str) -> None:
        """Do nothing, because the hosted application sets the Content-Type itself."""
