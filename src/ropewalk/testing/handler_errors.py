"""Handle exceptions that a handler raises and no error handler handles, in a test client. By default, the client raises
such an exception in the test: at once if the response has not begun, otherwise after the parts of the body that were
sent before. With `raise_errors=False`, the test gets the same response as a real client: a 500, or a body that is cut
off.
"""

from ropewalk.request import Request


class HandlerErrors:
    """The exceptions that the handler of one connection has raised."""

    def __init__(self) -> None:
        self.raise_errors = True
        """Whether the client raises the exceptions in the test."""
        self.raised: BaseException | None = None
        """The first unexpected exception of the handler."""
        self.raised_late = False
        """Whether the response had begun when the exception was raised."""

    def note(self, request: Request, error: BaseException) -> None:
        """Record an unexpected exception that is being logged."""
        if self.raised is None:
            self.raised = error
            self.raised_late = request.started

    def raise_at_head(self) -> None:
        """Raise the first exception when the head of the response has arrived.

        If the response had begun, the client first reads the parts that were sent before.
        """
        if not self.raised_late:
            self.raise_first()

    def raise_first(self) -> None:
        """Raise the first recorded exception in the test, if the client has `raise_errors`.

        An exception that ends a task or process, such as CancelledError or KeyboardInterrupt, is not raised.
        """
        if self.raise_errors and isinstance(self.raised, Exception):
            raise self.raised
