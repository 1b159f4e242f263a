"""The error for a response that violates HTTP."""


class ProtocolError(AssertionError):
    """The server has violated HTTP/1.1, or the format of the response's media type."""
