"""Determines which setting applies: a flag, or else the environment, or else the TOML file, or else the default.

click itself reads flags and the environment. This module makes the settings in the file click's defaults, before click
reads any other flag.
"""

from pathlib import Path

import click

from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import SETTINGS, Decorated, flag, source_elsewhere
from ropewalk.cli.settings import Settings, find_settings, read_settings


def config_flag(command: Decorated) -> Decorated:
    """Add the flag `--config` to a command. It is read before all other flags, because the file has their defaults."""
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
    """The allowed keys in TOML: the keys of all commands, because commands may share a file.

    A flag without an environment variable has no key.
    """
    root = context.find_root().command
    commands = root.commands.values() if isinstance(root, click.Group) else [root]
    names = {parameter.name for command in commands for parameter in command.params if parameter.envvar}
    return names - {"config", "limits"}
