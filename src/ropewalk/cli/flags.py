"""Flags that are environment variables and TOML keys too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ropewalk.cli.settings import Settings, find_settings, read_settings

Command = TypeVar("Command", bound=Callable[..., Any])

SETTINGS = "ropewalk.settings"
"""The key in click's `Context.meta` under which a command finds its `Settings`."""

FLAG = "flag"
ENVIRONMENT = "environment"


def flag(name: str, *names: str, **attributes: Any) -> Callable[[Command], Command]:
    """A click option that also reads the environment variable `ROPEWALK_` and its name in capitals."""
    variable = "ROPEWALK_" + name.partition("/")[0].removeprefix("--").replace("-", "_").upper()
    return click.option(name, *names, envvar=variable, show_envvar=True, **{"show_default": True} | attributes)


def argument(name: str, **attributes: Any) -> Callable[[Command], Command]:
    """A click argument that may come from the environment or from TOML too."""
    return click.argument(name, envvar=f"ROPEWALK_{name.upper()}", **attributes)


class _TargetType(click.types.StringParamType):
    """Where it is missing, the message says where else it may stand."""

    def get_missing_message(self, *_: Any, **__: Any) -> str:
        return 'Give it here, in ROPEWALK_TARGET, or in ropewalk.toml: target = "hello.py"'


def target_argument(command: Command) -> Command:
    """The argument that names what to serve."""
    return argument("target", type=_TargetType())(command)


def config_flag(command: Command) -> Command:
    """`--config`, read before every other flag, because it holds their defaults."""
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
    settings: Settings = read_settings(path, known) if path else find_settings(Path.cwd(), known)
    context.default_map = settings.flags
    context.meta[SETTINGS] = settings


def _known_keys(context: click.Context) -> set[str]:
    """The keys of every command, so that one file may serve them all. What has no variable has no key either."""
    root = context.find_root().command
    commands = root.commands.values() if isinstance(root, click.Group) else [root]
    names = {parameter.name for command in commands for parameter in command.params if parameter.envvar}
    return names - {"config", "limits"}
