"""`ropewalk check TARGET`."""

from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table
from ropewalk.cli.routes import walk

from ropewalk import Limits
from ropewalk.cli.flags import SETTINGS, target_argument
from ropewalk.cli.serving import Serving, serving_flags
from ropewalk.cli.target import load_target
from ropewalk.server import install_reactor


@click.command()
@target_argument
@serving_flags
@click.pass_context
def check(context: click.Context, target: str, **flags: Any) -> None:
    """Say whether TARGET could be served, and with which settings, without serving it.

    Takes the flags of `ropewalk run`. The exit code is 2 where it could not.
    """
    install_reactor()
    found = load_target(target)
    console = Console(soft_wrap=True)
    console.print(_settings(context, Serving(**flags)))
    console.print(f"[green]{found.name} can be served: {len(walk(found.value))} routes.[/]", highlight=False)


def _settings(context: click.Context, options: Serving) -> Table:
    """Every setting, its value and where it comes from."""
    toml = context.meta[SETTINGS].source
    table = Table("setting", "value", "from", box=None, padding=(0, 2, 0, 0))
    origins = {
        ParameterSource.COMMANDLINE: "flag",
        ParameterSource.ENVIRONMENT: "environment",
        ParameterSource.DEFAULT_MAP: f"{toml}",
        ParameterSource.DEFAULT: "default",
    }
    for name in ("host", "port", "listen", "access_log", "access_log_file", "log_level"):
        source = context.get_parameter_source(name)
        table.add_row(name, f"{getattr(options, name)}", origins[source] if source else "")
    defaults = Limits()
    for name in Limits.names:
        value = getattr(options.limits, name)
        if value != getattr(defaults, name):
            table.add_row(f"limits.{name}", f"{value:g}", "set")
    return table
