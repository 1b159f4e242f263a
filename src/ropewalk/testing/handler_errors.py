"""What a test client does with an exception that a handler raises and no error handler handles.

By default the client raises it in the test: at once if the response has not begun, otherwise after the parts that were
sent before. With `raise_errors=False` the test gets the response that a client gets, a 500 or a body that is cut off.
"""

from ropewalk.request import Request


class HandlerErrors:
    """The exceptions of the handler on one connection."""

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        """The first unexpected exception of the handler."""
        self.raised_late = False
        """Whether the response had begun when the exception was raised."""

    def note(self, request: Request, error: BaseException) -> None:
        """Record an unexpected exception, which is logged."""
        if self.raised is None:
            self.raised = error
            self.raised_late = request.started

    def raise_first(self) -> None:
        """Raise the first exception in the test.

        CancelledError, KeyboardInterrupt and other exceptions that end a task or process are not raised.
        """
        if isinstance(self.raised, Exception):
            raise self.raised
