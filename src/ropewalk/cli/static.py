"""The command `ropewalk static DIRECTORY`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ropewalk import Files
from ropewalk.cli.flags import Command, argument
from ropewalk.cli.serving import Serving, serve, serving_flags
from ropewalk.cli.target import LoadedTarget


@click.command(cls=Command)
@argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@serving_flags
def static(directory: Path, **flags: Any) -> None:
    """Serve the files in DIRECTORY."""
    serve(partial(_files, directory), Serving(**flags))


def _files(directory: Path) -> LoadedTarget:
    return LoadedTarget(Files(directory), f"{directory}/")
