"""`ropewalk routes TARGET`."""

import click
from rich.console import Console

from ropewalk.cli.flags import config_flag, target_argument
from ropewalk.cli.target import load_target
from ropewalk.cli.tree import rows, table
from ropewalk.server import install_reactor


@click.command()
@target_argument
@config_flag
def routes(target: str) -> None:
    """List what TARGET answers: methods, path, handler and the place in its code."""
    install_reactor()
    Console(soft_wrap=True, highlight=False).print(table(rows(load_target(target).value)))
