"""`ExactResponse`: the response of a hosted application, sent with exactly its header fields."""

from ropewalk.open_files import OpenFile
from ropewalk.request import Request
from ropewalk.response.response import Response


class ExactResponse(Response):
    """A response with the head that a hosted application has made. No field is added to it."""

    __slots__ = ()

    def send_file(self, file: OpenFile, request: Request) -> None:
        """Send the file with exactly these fields, because the hosted application handles conditions and ranges."""
        request.respond_file(self.status, self.headers.encoded(), file.fd, file.offset, file.size)

    def take_type_of(self, part: bytes | str) -> None:
        """Do nothing, because the hosted application sets the Content-Type itself."""
