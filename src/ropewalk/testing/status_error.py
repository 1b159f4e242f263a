"""The error that `raise_for_status` raises."""

from typing import TYPE_CHECKING

from ropewalk.errors import RopewalkError, shown

if TYPE_CHECKING:
    from ropewalk.testing.client_response import ClientResponse


class StatusError(RopewalkError, AssertionError):
    """RW227: `raise_for_status` was called for a response that is not successful. `response` is the response."""

    def __init__(self, response: "ClientResponse", start: str) -> None:
        what = f"{response.method} {response.url}: the response is {response.status} {response.reason}".rstrip()
        location = response.headers.get("location")
        if location is not None:
            what += f", to {shown(location)}"
        elif response.body:
            what += f", and its body is {start}"
        super().__init__("RW227", f"{what}.")
        self.response = response
