"""Files that describe torrents (BEP 3), made by hand."""

import os
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

PIECE: Final = 16_384


@dataclass(frozen=True)
class Torrent:
    """A single file."""

    name: str
    file: bytes
    """That a user uploads."""
    id: str
    """By which Deluge knows it: the hash of its info."""


def torrent(name: str, size: int = 3 * PIECE) -> Torrent:
    """A torrent whose content no peer has, without a tracker."""
    pieces = os.urandom(20 * -(-size // PIECE))
    info = {"length": size, "name": name, "piece length": PIECE, "pieces": pieces}
    return Torrent(name, encoded({"info": info}), sha1(encoded(info), usedforsecurity=False).hexdigest())


def encoded(value: object) -> bytes:
    """In bencode, whose dictionaries are in order."""
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
