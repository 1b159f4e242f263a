"""Which setting applies: a flag, else the environment, else the TOML file, else the default.

click reads flags and the environment. This makes the file's settings click's defaults, before it reads any other flag.
"""

from pathlib import Path

import click

from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import SETTINGS, Decorated, flag, source_elsewhere
from ropewalk.cli.settings import Settings, find_settings, read_settings


def config_flag(command: Decorated) -> Decorated:
    """`--config`, which is read before all other flags, because the file has their defaults."""
    return flag(
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_load_settings,
        help="TOML file with settings.  [default: ropewalk.toml, or [tool.ropewalk] in pyproject.toml]",
    )(command)


def _load_settings(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    known = _known_keys(context)
    try:
        settings: Settings = read_settings(path, known) if path else find_settings(Path.cwd(), known)
    except CLIError as error:
        source = source_elsewhere("config", context)
        raise CLIError(error.code, f"{source}: {error.message}") if source else error from None
    context.default_map = settings.flags
    context.meta[SETTINGS] = settings


def _known_keys(context: click.Context) -> set[str]:
    """The keys of every command: one file may hold the settings of all. A flag without a variable has no key."""
    root = context.find_root().command
    commands = root.commands.values() if isinstance(root, click.Group) else [root]
    names = {parameter.name for command in commands for parameter in command.params if parameter.envvar}
    return names - {"config", "limits"}
