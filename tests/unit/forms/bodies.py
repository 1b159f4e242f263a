"""Bodies of multipart forms for tests."""

from ropewalk.forms import DEFAULT_LIMITS, FormData, FormLimits, MultipartForm

BOUNDARY = "limit"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(disposition: str, content: bytes = b"", *lines: str) -> bytes:
    """One part. `disposition` follows `form-data` in its Content-Disposition, and `lines` are more header lines."""
    head = "\r\n".join((f"Content-Disposition: form-data{disposition}", *lines))
    return b"--limit\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    """A whole body."""
    return b"".join(parts) + b"--limit--\r\n"


def field(name: str, value: str) -> bytes:
    """A field of text."""
    return part(f'; name="{name}"', value.encode())


def file(name: str, filename: str, content: bytes, kind: str = "image/png") -> bytes:
    """A file."""
    return part(f'; name="{name}"; filename="{filename}"', content, f"Content-Type: {kind}")


def parse(data: bytes, limits: FormLimits = DEFAULT_LIMITS, size: int = 0) -> FormData:
    """Parse a body, given in parts of `size` bytes, or whole. Close the spool after an error."""
    form = MultipartForm(BOUNDARY, limits)
    try:
        for start in range(0, len(data), size or max(len(data), 1)):
            form.feed(data[start : start + (size or len(data))])
        return form.end()
    except BaseException:
        form.close()
        raise
