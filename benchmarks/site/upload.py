"""The form with a large file, which `wrk` reads from the disk because it is too large for an argument."""

from pathlib import Path
from random import Random
from typing import Final

from benchmarks.prepare import DATA

PATH: Final = DATA / "upload.form"
FILE_SIZE: Final = 10 * 1024 * 1024
_BOUNDARY: Final = "----WebKitFormBoundaryJ9tQPBqh0sxLZ3uM"
"""A boundary as long as those that browsers choose."""
CONTENT_TYPE: Final = f"multipart/form-data; boundary={_BOUNDARY}"


def make_upload(path: Path = PATH) -> bytes:
    """Return the body. Like an image, its file has bytes of every value, also the first bytes of a boundary."""
    content = Random(13).randbytes(FILE_SIZE)
    disposition = 'Content-Disposition: form-data; name="photo"; filename="room.jpg"'
    head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    body = head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
    if not path.exists() or path.stat().st_size != len(body):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    return body
