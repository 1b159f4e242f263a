"""The base class of responses whose body is still arriving: the head and the trailers."""

from typing import TYPE_CHECKING, Self

from ropewalk.headers import Headers
from ropewalk.suggest import OtherNames
from ropewalk.testing.client_response import ClientResponse
from ropewalk.testing.names_of_other_clients import RESPONSE_NAMES

if TYPE_CHECKING:
    from ropewalk.testing.streamed_response import StreamedResponse


class ReceivedHead(OtherNames):
    """The attributes of a streamed response that do not need its complete body. `AsyncClient` and `Client` both have
    them."""

    other_names = RESPONSE_NAMES

    _response: "ClientResponse | StreamedResponse"

    @property
    def status(self) -> int:
        """The status code of the response."""
        return self._response.status

    @property
    def headers(self) -> Headers:
        """The header fields of the response."""
        return self._response.headers

    @property
    def trailers(self) -> Headers:
        """The trailer fields of the response. They are complete after the end of the body."""
        return self._response.trailers

    @property
    def url(self) -> str:
        """The URL of the request, or of the last redirect that was followed."""
        return self._response.url

    @property
    def history(self) -> list[ClientResponse]:
        """The redirects that were followed, in order."""
        return self._response.history

    def raise_for_status(self) -> Self:
        """Return the response if its status is 200 to 299; otherwise raise StatusError (RW227)."""
        self._response.raise_for_status()
        return self
