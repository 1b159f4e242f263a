"""Split the path of a request into its segments, and percent-decode them. `.` and `..` are kept as they are."""

from urllib.parse import unquote

from ropewalk.errors import HTTPError


def split_path(raw_path: bytes) -> list[str]:
    """Split a path into its percent-decoded segments. Raises HTTPError 400 if a segment is not UTF-8."""
    segments = raw_path.decode("ascii").split("/")
    del segments[0]
    if b"%" in raw_path:
        try:
            return [unquote(segment, errors="strict") for segment in segments]
        except UnicodeDecodeError:
            raise HTTPError(400, "The path is not UTF-8.") from None
    return segments
