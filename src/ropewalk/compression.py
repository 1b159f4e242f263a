"""`Compression`: which responses are compressed, and how. The engine compresses them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ropewalk.errors import KnownOptions, OptionError, is_int, shown

if TYPE_CHECKING:
    from ropewalk._engine import Engine

_LEVELS: Final = {"zstd": (1, 19), "br": (0, 11), "gzip": (1, 9)}
"""The lowest and the highest level of each coding, in the order in which the server prefers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression(KnownOptions):
    """The options of compressed responses: `App(compression=Compression(min_size=500))`.

    The codings are zstd, br (Brotli) and gzip. The client's Accept-Encoding chooses among them; if it prefers none, the
    first of them is used. A level of None turns a coding off. Higher levels make smaller bodies and take more time.
    Raises HandlerError (RW271) for invalid values.
    """

    zstd: int | None = 3
    """The level of Zstandard, from 1 to 19; None for no Zstandard."""
    br: int | None = 4
    """The level of Brotli, from 0 to 11; None for no Brotli."""
    gzip: int | None = 5
    """The level of gzip, from 1 to 9; None for no gzip."""
    min_size: int = 1024
    """Whole bodies with fewer bytes are sent as they are, because they fit into one packet anyway."""
    file_size: int = 1024 * 1024
    """Files with more bytes are sent as they are: the kernel sends them without a copy. 0 for no files."""
    streams: int = 256
    """How many streams and large bodies are compressed at the same time. Further ones are sent as they are. The encoder
    of a stream holds between 0.3 and 2 MiB of memory until the stream ends. 0 for no streams."""
    types: Iterable[str] = ()
    """Media types that are compressed besides text, JSON, JavaScript, XML, SVG, WebAssembly, uncompressed fonts and
    similar ones, such as "application/x-log"."""

    def __post_init__(self) -> None:
        for name, (least, most) in _LEVELS.items():
            level = getattr(self, name)
            if level is not None and not (is_int(level) and least <= level <= most):
                raise _wrong(name, level, f"Give an int from {least} to {most}, or None.")
        if all(getattr(self, name) is None for name in _LEVELS):
            raise OptionError("RW271", "Compression has no coding.", "Set a level for zstd, br or gzip.")
        for name in ("min_size", "file_size", "streams"):
            size = getattr(self, name)
            if not (is_int(size) and 0 <= size < 1 << 48):
                raise _wrong(name, size, "Give an int of at least 0.")
        types: Any = self.types
        names = () if isinstance(types, str | bytes) or not isinstance(types, Iterable) else tuple(types)
        if (types and not names) or not all(isinstance(each, str) and "/" in each for each in names):
            raise _wrong("types", types, 'Write types=["application/x-log"].')
        object.__setattr__(self, "types", names)


def compression_of(given: object) -> Compression | None:
    """The options for `compression=...` of an app: True stands for the defaults, and False and None for no compression.

    Raises HandlerError (RW271) for any other object.
    """
    if isinstance(given, Compression):
        return given
    if given is None or isinstance(given, bool):
        return Compression() if given else None
    remedy = "Write compression=True, or compression=Compression(...)."
    raise OptionError("RW271", f"App has the invalid value compression={shown(given)}.", remedy)


def set_compression(engine: "Engine", options: Compression | None) -> None:
    """Set the compression options of an engine.

    If `options` is None, the engine uses the default options, and compresses a response only if its handler or the
    response itself requests compression.
    """
    chosen = options or Compression()
    engine.set_compression(
        options is not None,
        codings=[(name, getattr(chosen, name)) for name in _LEVELS if getattr(chosen, name) is not None],
        min_size=chosen.min_size,
        file_size=chosen.file_size,
        streams=chosen.streams,
        types=list(chosen.types),
    )


def _wrong(name: str, value: object, remedy: str) -> OptionError:
    return OptionError("RW271", f"Compression has the invalid value {name}={shown(value)}.", remedy)
