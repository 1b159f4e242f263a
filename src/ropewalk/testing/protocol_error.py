"""The error for a response that violates HTTP."""


class ProtocolError(AssertionError):
    """The response violates HTTP/1.1, or the format of its media type."""
