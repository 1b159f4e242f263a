"""The command `ropewalk run TARGET`."""

from functools import partial
from typing import Any

import click

from ropewalk.cli.flags import Command, target_argument
from ropewalk.cli.hosting import hosting_flags, hosting_of
from ropewalk.cli.serving import Serving, serve, serving_flags
from ropewalk.cli.target import load_target


@click.command(cls=Command)
@target_argument
@hosting_flags
@serving_flags
def run(target: str, **flags: Any) -> None:
    """Serve an App, a Resource or a Site; or a WSGI or ASGI application.

    TARGET is a file (hello.py), a package (hotel/) or a module (hotel.service), with or without the name of the object
    to serve (hello.py:app).
    """
    hosting = hosting_of(flags, flags["limits"])
    serve(partial(load_target, target, hosting), Serving(**flags))
