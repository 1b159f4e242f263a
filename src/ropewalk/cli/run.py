"""`ropewalk run TARGET`."""

from functools import partial
from typing import Any

import click

from ropewalk.cli.flags import target_argument
from ropewalk.cli.serving import Serving, serve, serving_flags
from ropewalk.cli.target import load_target


@click.command()
@target_argument
@serving_flags
def run(target: str, **flags: Any) -> None:
    """Serve an App, a Resource or a Site.

    TARGET is a file (hello.py), a package (hotel/) or a module (hotel.service), with or without the name of what to
    serve in it (hello.py:app).
    """
    serve(partial(load_target, target), Serving(**flags))
