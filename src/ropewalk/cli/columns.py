"""Aligns text in columns. Lines are never wrapped, so that `grep` and `cut` work on them."""

from collections.abc import Iterable, Sequence

from rich.text import Text

GAP = 3


def columns(rows: Iterable[Sequence[str]], styles: Sequence[str]) -> Text:
    """Rows as lines of text. Each column is as wide as its widest cell, and has its own style."""
    lines = [list(row) for row in rows]
    widths = [max(map(len, cells)) + GAP for cells in zip(*lines, strict=True)]
    return Text("\n").join(_line(line, widths[:-1], styles) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Text:
    padded = [cell.ljust(width) for cell, width in zip(cells, [*widths, 0], strict=True)]
    return Text.assemble(*zip(padded, styles, strict=True))
