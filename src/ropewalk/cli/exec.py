"""`ropewalk exec PROGRAM`."""

import sys
from collections.abc import Mapping, Sequence

import click

from ropewalk.cli import program
from ropewalk.cli.failure import Failure
from ropewalk.cli.flags import Command, config_flag, flag, half_close_flag
from ropewalk.cli.limits import limit_flag
from ropewalk.errors import StartError
from ropewalk.server import is_writable


@click.command(name="exec", cls=Command, context_settings={"allow_interspersed_args": False})
@click.option("-m", "is_module", is_flag=True, help="PROGRAM is a module, as for python -m.")
@limit_flag
@half_close_flag
@flag("--quiet", "-q", is_flag=True, default=False, show_default=False, help="Do not say what is served where.")
@config_flag
@click.argument("name", metavar="PROGRAM")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def execute(
    name: str,
    arguments: Sequence[str],
    is_module: bool,
    limits: Mapping[str, float],
    half_close: bool,
    quiet: bool,
) -> None:
    """Run an existing program of twisted.web, unchanged, on the engine.

    PROGRAM is a script (serve.py), a command that a package has brought (twist, twistd, buildbot) or, behind -m, a
    module. What follows it is its own. It runs as python would run it, with its own reactor, signals and exit code.
    """
    try:
        from ropewalk.dropin.entry.monkeypatch import replace  # with it comes twisted.web, which no other command needs
    except StartError as error:  # RW755: this Twisted lacks something
        raise Failure(error.code, f"{error}".removeprefix(error.code).strip()) from error

    target = program.module(name) if is_module else program.script(name)
    replace(
        limits=limits, half_close=half_close, served=None if quiet else _say_served, kept=None if quiet else _say_kept
    )
    program.run(target, arguments)


def _say_served(address: str) -> None:
    _say(f"Serving {address} by the engine")


def _say_kept(reason: str, address: str) -> None:
    """A program may not have begun Twisted's log, which has the reason too."""
    if address:
        _say(f"Serving {address} by Twisted's own channel, without the engine's limits: {reason}")
    else:
        _say(f"{reason} The engine's limits do not hold there.")


def _say(line: str) -> None:
    """Past the log of Twisted, which takes over `sys.stderr` in many programs; not where that would have to wait.

    A thread of ours would be in the way of a program that forks.
    """
    stream = sys.__stderr__
    if stream is not None and is_writable(stream):
        print(line, file=stream, flush=True)
