"""Reads settings from `ropewalk.toml`, or from `[tool.ropewalk]` in `pyproject.toml`, in the working directory."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ropewalk import Limits
from ropewalk.cli.error import CLIError
from ropewalk.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a TOML file."""

    source: Path | None = None
    """The TOML file; None if there is none."""
    flags: dict[str, Any] = field(default_factory=dict)
    """Values by the name of the flag, with underscores instead of hyphens."""
    limits: dict[str, Any] = field(default_factory=dict)
    """The contents of the table `[limits]`."""


def find_settings(directory: Path, known: set[str]) -> Settings:
    """Read the settings in `directory`. Raises `CLIError` if the file is not TOML or has an unknown key."""
    own = directory / "ropewalk.toml"
    if own.is_file():
        return read_settings(own, known)
    shared = directory / "pyproject.toml"
    if shared.is_file():
        return read_settings(shared, known)
    return Settings()


def read_settings(path: Path, known: set[str]) -> Settings:
    """Read the settings in `path`. Raises `CLIError` if it is not TOML, or has a key that is not in `known`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CLIError("RW421", f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CLIError("RW421", f"{path} is not TOML: {error}.") from error
    if path.name == "pyproject.toml":
        document = _table(path, _table(path, document, "tool"), "ropewalk")
    return parse_settings(path, document, known)


def _table(path: Path, document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise CLIError(
            "RW422", f"{path}: {name} must be a table: write [tool.ropewalk], and each setting on its own line."
        )
    return found


def parse_settings(path: Path, document: dict[str, Any], known: set[str]) -> Settings:
    """Split `document` into flags and limits. Raises `CLIError` for a key that is neither."""
    flags = {key.replace("-", "_"): value for key, value in document.items()}
    limits = flags.pop("limits", {})
    if not isinstance(limits, dict):
        raise CLIError("RW422", f"{path}: limits must be a table: write [limits], and each limit on its own line.")
    for key, value in flags.items():
        if key in Limits.names:
            table = "[tool.ropewalk.limits]" if path.name == "pyproject.toml" else "[limits]"
            raise CLIError("RW422", f"{path}: {key} is a limit: write it under {table}.")
        if key in ("tool", "ropewalk") and isinstance(value, dict) and path.name != "pyproject.toml":
            hint = "[tool.ropewalk] is for pyproject.toml. Write settings at the top here, and limits under [limits]"
            raise CLIError("RW422", f"{path}: there is no table [{key}]: {hint}.")
        if key not in known:
            raise CLIError("RW422", f"{path}: there is no setting {key}.{did_you_mean(key, known | {'limits'})}")
    return Settings(path, flags, limits)
