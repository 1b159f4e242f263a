"""The command `ropewalk exec PROGRAM`."""

import sys
from collections.abc import Mapping, Sequence

import click

from ropewalk.cli import program
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import Command, flag, half_close_flag
from ropewalk.cli.limits import limit_flag
from ropewalk.cli.logs import forward_of_program
from ropewalk.cli.settings_precedence import config_flag
from ropewalk.errors import StartError
from ropewalk.logs import FORMATS, LogFormat, LogOptions
from ropewalk.server import begin_logging_unless_begun, is_writable


@click.command(name="exec", cls=Command, context_settings={"allow_interspersed_args": False})
@click.option("-m", "is_module", is_flag=True, help="Run PROGRAM as a module, as `python -m` does.")
@limit_flag
@half_close_flag
@flag(
    "--quiet",
    "-q",
    is_flag=True,
    default=False,
    show_default=False,
    help="Do not print the addresses on which the server listens.",
)
@flag(
    "--log-format",
    type=click.Choice(FORMATS),
    default=None,
    show_default=False,
    help="Show Twisted's log in this form, if the program does not show it.",
)
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
    log_format: LogFormat | None,
) -> None:
    """Run an existing twisted.web program, unchanged, on the engine.

    PROGRAM is a script (serve.py), an installed command (twist, twistd, buildbot) or, after -m, a module. ARGS are
    passed to the program. It runs as under `python`, with its own reactor, signals and exit code.
    """
    try:
        from ropewalk.dropin.entry.monkeypatch import replace  # imports twisted.web, which no other command needs
    except StartError as error:  # RW755: this version of Twisted is not supported
        raise CLIError(error.code, f"{error}".removeprefix(error.code).strip()) from error

    target = program.module(name) if is_module else program.script(name)

    def served(address: str) -> None:
        if log_format is not None:  # not earlier, because most programs begin their own log before they listen
            begin_logging_unless_begun(LogOptions(format=log_format))
        if not quiet:
            _say_served(address)

    replace(limits=limits, half_close=half_close, served=served, kept=None if quiet else _say_kept)
    forward_of_program()
    program.run(target, arguments)


def _say_served(address: str) -> None:
    _say(f"Serving {address} on the engine")


def _say_kept(reason: str, address: str) -> None:
    """Print why an address keeps Twisted's channel. It is logged too, but the program may not show Twisted's log."""
    if address:
        _say(f"Serving {address} on Twisted's own channel, without the engine's limits: {reason}")
    else:
        _say(f"{reason} The engine's limits do not apply there.")


def _say(line: str) -> None:
    """Print a line on the real standard error, because many programs redirect `sys.stderr` to Twisted's log.

    If the write would block, the line is dropped. A thread could wait for the write, but it would disturb programs that
    fork.
    """
    stream = sys.__stderr__
    if stream is not None and is_writable(stream):
        print(line, file=stream, flush=True)
