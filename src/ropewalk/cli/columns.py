"""Aligned columns that are never folded, so that they can be searched and cut."""

from collections.abc import Iterable, Sequence

from rich.text import Text

GAP = 3


def columns(rows: Iterable[Sequence[str]], styles: Sequence[str]) -> Text:
    """Lines of cells, each column as wide as its widest cell, in the style of the column."""
    lines = [list(row) for row in rows]
    widths = [max(map(len, cells)) + GAP for cells in zip(*lines, strict=True)]
    text = Text("\n").join(
        Text.assemble(*((cell.ljust(width), style) for cell, width, style in zip(line, widths, styles, strict=True)))
        for line in lines
    )
    text.no_wrap = True
    return text
