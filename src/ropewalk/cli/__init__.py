"""The command line, one file a command.

Every flag is also an environment variable (`--access-log` is `ROPEWALK_ACCESS_LOG`) and a key in TOML (`access_log` in
`ropewalk.toml` or under `[tool.ropewalk]` in `pyproject.toml`). A flag wins over the environment, the environment over
TOML, TOML over the default.
"""

import click

from ropewalk import __version__
from ropewalk.cli.check import check
from ropewalk.cli.routes import routes
from ropewalk.cli.run import run
from ropewalk.cli.static import static

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ropewalk")
def main() -> None:
    """Serve HTTP from Twisted's reactor with a native engine."""


for command in (run, static, routes, check):
    main.add_command(command)
