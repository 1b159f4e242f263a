"""The header Content-Disposition: the name under which a browser saves a file (RFC 6266)."""

from urllib.parse import quote


def attachment(name: str) -> str:
    """The value that makes a browser save the body under a name, encoded as RFC 8187 defines."""
    # A name from the file system may contain bytes that are not UTF-8.
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"attachment; filename*=UTF-8''{quote(readable, safe='')}"
