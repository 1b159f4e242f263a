"""The error for a server that breaks a rule."""


class ProtocolError(AssertionError):
    """The server broke a rule of HTTP/1.1, or of the media type of its response."""
