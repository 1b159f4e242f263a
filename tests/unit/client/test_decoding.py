"""Decompression in parts of limited size."""

import gzip
import zlib

import pytest

from ropewalk.client.decoding import GzipDecoder


def decode(data: bytes, step: int) -> tuple[bytes, bool]:
    decoder = GzipDecoder()
    parts = [part for start in range(0, len(data), step) for part in decoder.feed(data[start : start + step])]
    return b"".join(parts), decoder.complete


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_members(step: int) -> None:
    data = gzip.compress(b"one") + gzip.compress(b"") + gzip.compress(b"two" * 100)
    assert decode(data, step) == (b"one" + b"two" * 100, True)
    assert decode(data[:-1], step)[1] is False


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_padding(step: int) -> None:
    data = gzip.compress(b"one") + bytes(20) + gzip.compress(b"two") + bytes(2)
    assert decode(data, step) == (b"onetwo", True)


def test_parts_are_small() -> None:
    sizes = [len(part) for part in GzipDecoder().feed(gzip.compress(bytes(10_000_000)))]
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= 1 << 16


@pytest.mark.parametrize("data", [b"not gzip", zlib.compress(b"zlib"), gzip.compress(b"x") + b"more", bytes(20)])
def test_what_is_not_gzip(data: bytes) -> None:
    with pytest.raises(zlib.error):
        list(GzipDecoder().feed(data))
