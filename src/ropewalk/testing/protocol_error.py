"""The error for a response that violates HTTP."""


class ProtocolError(AssertionError):
    """The server broke a rule of HTTP/1.1, or of the media type of its response."""
