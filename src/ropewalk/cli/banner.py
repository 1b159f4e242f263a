"""What is printed at the start: what is served where, and what is to be careful of."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape

from ropewalk import __version__
from ropewalk.cli.target import Target
from ropewalk.cli.tree import rows, table
from ropewalk.server import write_error

MOST_ROWS = 20
"""A longer list of routes is cut, because the addresses below it are what one looks for."""


def print_banner(target: Target, addresses: Iterable[object], reactor: str, cautions: Sequence[str] = ()) -> None:
    """Print it on the standard error, so that the access log has the standard output for itself."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with console.capture() as banner:
        console.print(f"[bold]Ropewalk {__version__}[/] serves {escape(target.name)} on {reactor}\n")
        lines = rows(target.value)
        if lines:
            console.print(table(lines[:MOST_ROWS]))
        else:
            console.print("[yellow]It has no routes: every request will be answered by 404.[/]")
        if len(lines) > MOST_ROWS:
            console.print(f"[dim]and {len(lines) - MOST_ROWS} more: ropewalk routes {escape(target.name)}[/]")
        console.print()
        for address in addresses:
            console.print(f"[bold green]{address}[/]")
        print_cautions(console, cautions)
        console.print("Stop with Ctrl+C\n")
    write_error(banner.get())


def print_cautions(console: Console, cautions: Sequence[str]) -> None:
    """A line each."""
    for caution in cautions:
        console.print(f"[yellow]{escape(caution)}[/]", highlight=False)
