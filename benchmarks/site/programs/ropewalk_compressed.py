"""Ropewalk: the records with and without compression."""

from typing import Any

from records import LEVEL, RECORDS

from ropewalk import App, Compression

compressed = App(compression=Compression(zstd=None, br=None, gzip=LEVEL))
plain = App()


@compressed.get("/records")
@plain.get("/records")
def records() -> list[dict[str, Any]]:
    return RECORDS
