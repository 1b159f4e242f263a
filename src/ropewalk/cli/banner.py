"""Prints the start-up text: the routes, the addresses, and warnings."""

import sys
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console
from rich.markup import escape

from ropewalk import __version__
from ropewalk.cli.route_table import route_rows, route_table
from ropewalk.cli.target import LoadedTarget
from ropewalk.server import write_error

MOST_ROWS = 20
"""The maximum number of routes in the start-up text. Further routes are left out, so that the addresses below them stay
visible."""


def print_banner(target: LoadedTarget, addresses: Iterable[object], reactor: str, cautions: Sequence[str] = ()) -> None:
    """Print the start-up text on standard error, because standard output is for the access log."""
    console, banner = start_text()
    console.print(f"[bold]Ropewalk {__version__}[/] serves {escape(target.name)} on {reactor}\n")
    lines = route_rows(target.value)
    if lines:
        console.print(route_table(lines[:MOST_ROWS]))
    else:
        console.print("[yellow]It has no routes: every response will be 404.[/]")
    if len(lines) > MOST_ROWS:
        console.print(f"[dim]and {len(lines) - MOST_ROWS} more: ropewalk routes {escape(target.name)}[/]")
    console.print()
    for address in addresses:
        console.print(f"[bold green]{address}[/]")
    print_cautions(console, cautions)
    console.print("Stop with Ctrl+C\n")
    write_error(banner.getvalue())


def start_text() -> tuple[Console, StringIO]:
    """A console for the start-up text, styled for the standard error, and the buffer that receives it.

    The console writes to the buffer, because a console for the standard error writes to it even while it captures text.
    That fails if the standard error is a file on a full disk.
    """
    text = StringIO()
    is_terminal = True if sys.stderr.isatty() else None  # with None, rich reads variables such as FORCE_COLOR
    return Console(file=text, force_terminal=is_terminal, soft_wrap=True, highlight=False), text


def print_cautions(console: Console, cautions: Sequence[str]) -> None:
    """Print each warning on its own line."""
    for caution in cautions:
        console.print(f"[yellow]{escape(caution)}[/]", highlight=False)
