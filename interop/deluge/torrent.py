"""Creates files that describe torrents (BEP 3)."""

import os
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

PIECE: Final = 16_384


@dataclass(frozen=True)
class Torrent:
    """A torrent with a single file."""

    name: str
    file: bytes
    """The name of the file that a user uploads."""
    id: str
    """The hash of the torrent's info, by which Deluge identifies it."""


def torrent(name: str, size: int = 3 * PIECE) -> Torrent:
    """A torrent whose content no peer has, without a tracker."""
    pieces = os.urandom(20 * -(-size // PIECE))
    info = {"length": size, "name": name, "piece length": PIECE, "pieces": pieces}
    return Torrent(name, encoded({"info": info}), sha1(encoded(info), usedforsecurity=False).hexdigest())


def encoded(value: object) -> bytes:
    """Encode an object in bencode, in which dictionaries are sorted."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return encoded(value.encode())
        case bytes():
            return b"%d:%b" % (len(value), value)
        case dict():
            return b"d%be" % b"".join(encoded(each) for pair in sorted(value.items()) for each in pair)
    raise TypeError(value)
