"""The command line. Each command has its own file.

Every flag is also an environment variable (`--access-log` is `ROPEWALK_ACCESS_LOG`) and a TOML key (`access_log` in
`ropewalk.toml` or under `[tool.ropewalk]` in `pyproject.toml`). A flag overrides the environment, the environment
overrides TOML, and TOML overrides the default.
"""

import sys
from pathlib import Path
from signal import SIGINT
from typing import Any, Final

import click

from ropewalk import __version__
from ropewalk._command_start import raise_on_interrupt
from ropewalk.cli.check import check
from ropewalk.cli.dev import dev
from ropewalk.cli.exec import execute
from ropewalk.cli.explain import explain
from ropewalk.cli.new import new
from ropewalk.cli.openapi import openapi
from ropewalk.cli.routes import routes
from ropewalk.cli.run import run
from ropewalk.cli.shell import shell
from ropewalk.cli.static import static
from ropewalk.server import reserve_standard_streams
from ropewalk.suggest import did_you_mean

__all__ = ["main"]

INTERRUPTED: Final = 128 + SIGINT
"""The exit code after Ctrl+C, as shells report it. Without it, click would exit with 1."""


class _Commands(click.Group):
    """The group of all commands. The error for an unknown command suggests a similar one."""

    def main(self, *args: Any, **options: Any) -> Any:
        raise_on_interrupt()
        reserve_standard_streams()
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                click.echo(err=True)  # the terminal has written ^C on this line
            sys.exit(INTERRUPTED)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            meant = did_you_mean(name, self.commands)
            if ":" in name or Path(name).exists():
                meant = f" Did you mean ropewalk {'static' if _is_plain_folder(name) else 'run'} {name}?"
            ctx.fail(f"No such command {name!r}.{meant}")
        return super().resolve_command(ctx, args)


def _is_plain_folder(name: str) -> bool:
    return Path(name).is_dir() and not (Path(name) / "__init__.py").exists()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ropewalk")
def main() -> None:
    """Serve HTTP from Twisted's reactor with a native engine."""


for command in (run, dev, static, execute, new, shell, routes, openapi, check, explain):
    main.add_command(command)
