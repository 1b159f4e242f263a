"""The command `ropewalk routes TARGET`."""

from typing import Any

import click
from rich.console import Console

from ropewalk.cli.flags import Command, target_argument
from ropewalk.cli.hosting import hosting_flags, hosting_of
from ropewalk.cli.route_table import route_rows, route_table
from ropewalk.cli.settings_precedence import config_flag
from ropewalk.cli.target import load_target
from ropewalk.server import install_reactor


@click.command(cls=Command)
@target_argument
@hosting_flags
@config_flag
def routes(target: str, **flags: Any) -> None:
    """List the routes of TARGET: methods, path, handler, and the place of the handler in the code."""
    install_reactor()
    found = load_target(target, hosting_of(flags, {}))
    Console(soft_wrap=True, highlight=False).print(route_table(route_rows(found.value)))
