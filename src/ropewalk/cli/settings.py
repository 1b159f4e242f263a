"""Settings in TOML: `ropewalk.toml`, or `[tool.ropewalk]` in `pyproject.toml`, in the directory of the start."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ropewalk import Limits
from ropewalk.cli.failure import Failure
from ropewalk.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Settings:
    """What a TOML file says."""

    source: Path | None = None
    """The file; None where there is none."""
    flags: dict[str, Any] = field(default_factory=dict)
    """Values by the name of the flag, with underscores."""
    limits: dict[str, Any] = field(default_factory=dict)
    """The table `[limits]`."""


def find_settings(directory: Path, known: set[str]) -> Settings:
    """Read the settings in `directory`. Raises `Failure` where the file is no TOML or has an unknown key."""
    own = directory / "ropewalk.toml"
    if own.is_file():
        return read_settings(own, known)
    shared = directory / "pyproject.toml"
    if shared.is_file():
        return read_settings(shared, known)
    return Settings()


def read_settings(path: Path, known: set[str]) -> Settings:
    """Read `path`, whose keys must be among `known`. Raises `Failure` as `find_settings`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure("RW421", f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure("RW421", f"{path} is not TOML: {error}.") from error
    if path.name == "pyproject.toml":
        document = document.get("tool", {}).get("ropewalk", {})
    return parse_settings(path, document, known)


def parse_settings(path: Path, document: dict[str, Any], known: set[str]) -> Settings:
    """Split `document` into flags and limits. Raises `Failure` on a key that is neither."""
    flags = {key.replace("-", "_"): value for key, value in document.items()}
    limits = flags.pop("limits", {})
    if not isinstance(limits, dict):
        raise Failure("RW422", f"{path}: limits is a table: write [limits] and a line for each.")
    for key, value in flags.items():
        if key in Limits.names:
            table = "[tool.ropewalk.limits]" if path.name == "pyproject.toml" else "[limits]"
            raise Failure("RW422", f"{path}: {key} is a limit: write it under {table}.")
        if key in ("tool", "ropewalk") and isinstance(value, dict) and path.name != "pyproject.toml":
            hint = "[tool.ropewalk] is for pyproject.toml. Here settings stand at the top, and limits under [limits]"
            raise Failure("RW422", f"{path}: there is no table [{key}]: {hint}.")
        if key not in known:
            raise Failure("RW422", f"{path}: there is no setting {key}.{did_you_mean(key, known | {'limits'})}")
    return Settings(path, flags, limits)
