"""The request that a mounted twisted.web resource receives."""

from io import SEEK_END
from typing import Any

from twisted.python.failure import Failure

from ropewalk.dropin.request.lazy_attribute import Lazy
from ropewalk.dropin.request.request import Request


class MountedRequest(Request):
    """A `twisted.web.server.Request` whose body comes from the app's request, and whose failures the app handles."""

    channel: Any

    @Lazy
    def transport(self) -> Any:
        return self._rw_channel.transport

    def gotLength(self, length: int | None) -> None:
        """Take the body, which has already been received."""
        if length == 0:
            super().gotLength(0)
            return
        self.content = self.channel.exchange.content
        self.content.seek(0, SEEK_END)  # twisted.web, too, leaves the position at the end of a received body

    def processingFailed(self, reason: Failure) -> Failure:
        """Let the app respond as if one of its handlers had raised the exception, because the resource has failed."""
        if self.finished or self._disconnected:
            self._log.failure("", failure=reason)
            return reason
        self.channel.failed(reason)
        self.finished = 1
        self._cleanup()
        return reason
