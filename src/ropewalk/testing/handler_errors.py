"""Handle exceptions that a handler raises and no error handler handles, in a test client. By default, the client raises
such an exception in the test: at once if the response has not begun, otherwise after the parts of the body that were
sent before. With `raise_errors=False`, the test gets the same response as a real client: a 500, or a body that is cut
off.
"""

from ropewalk.request import Request


class HandlerErrors:
    """The exceptions that the handler of one connection has raised."""

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        """The first unexpected exception of the handler."""
        self.raised_late = False
        """Whether the response had begun when the exception was raised."""

    def note(self, request: Request, error: BaseException) -> None:
        """Record an unexpected exception that is being logged."""
        if self.raised is None:
            self.raised = error
            self.raised_late = request.started

    def raise_first(self) -> None:
        """Raise the first recorded exception in the test, unless it ends a task or process, as CancelledError and
        KeyboardInterrupt do.
        """
        if isinstance(self.raised, Exception):
            raise self.raised
