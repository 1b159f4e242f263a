"""The Content-Type of each type of body, and of a file by the ending of its name."""

from mimetypes import MimeTypes
from typing import Final

TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
"""The media type of problem details (RFC 9457)."""
KNOWN_TYPES: Final = frozenset((TEXT, HTML, BYTES, JSON, PROBLEM))
"""Values of Content-Type that are known to be valid. Text with these types is sent as UTF-8."""
PLAIN_LINES: Final = {kind: ((b"Content-Type", kind),) for kind in KNOWN_TYPES}
"""By known type: the header lines of a response whose only field is Content-Type."""

_MEDIA_TYPES: Final = MimeTypes()  # without the system's table, which differs between machines
for _ending, _media in {
    ".atom": "application/atom+xml",
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".jsonld": "application/ld+json",
    ".jxl": "image/jxl",
    ".log": "text/plain",
    ".m4a": "audio/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".otf": "font/otf",
    ".rss": "application/rss+xml",
    ".toml": "application/toml",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".xhtml": "application/xhtml+xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}.items():
    _MEDIA_TYPES.add_type(_media, _ending)


def file_type(name: str) -> str:
    """The Content-Type for a file with this name."""
    # Without the slash, a name such as `data:text/html,x.txt` would be parsed as a URL.
    media, coding = _MEDIA_TYPES.guess_type(f"/{name}")
    if media is None or coding is not None:
        return BYTES
    return f"{media}; charset=utf-8" if media.startswith("text/") else media
