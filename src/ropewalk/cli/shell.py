"""The command `ropewalk shell TARGET`."""

import sys
from asyncio import _get_running_loop as running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import click

from ropewalk import __version__
from ropewalk.cli.console import Names, Runner, interact, run_program
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import Command, target_argument
from ropewalk.cli.hosting import hosting_flags, hosting_of
from ropewalk.cli.settings_precedence import config_flag
from ropewalk.cli.target import LoadedTarget, load_target
from ropewalk.errors import CATALOGUE, RopewalkError
from ropewalk.server import install_reactor
from ropewalk.testing import AsyncClient, ClientResponse, WouldBlock
from ropewalk.tracebacks import format_error, shown_error
from ropewalk.waiting_places import is_users


@click.command(cls=Command)
@target_argument
@click.option("-c", "code", metavar="CODE", help="Run this code instead of reading it, and exit.")
@hosting_flags
@config_flag
def shell(target: str, code: str | None, **flags: Any) -> None:
    """Open a Python prompt with the app of TARGET and a test client.

    The app is started as by `ropewalk run`, but opens no port, and is stopped at the end. `await` works at the prompt.
    The prompt is IPython if it is installed. Code may also come from a pipe: ropewalk shell hello.py < script.py
    """
    install_reactor()
    found = load_target(target, hosting_of(flags, {}))
    with _started(found) as (names, run):
        if code is None and sys.stdin.isatty():
            interact(_banner(found), names, run)
            return
        source, filename = (sys.stdin.buffer.read(), "<stdin>") if code is None else (code, "<string>")
        failed = run_program(source, filename, names, run)
    sys.exit(failed)


@contextmanager
def _started(found: LoadedTarget) -> Iterator[tuple[Names, Runner]]:
    """Start the app. At the end, stop it. Raises CLIError (RW323, or the code of the error) if it does not start."""
    run = Runner()
    try:
        client = AsyncClient(found.value, timeout=None)
        try:
            run(client.__aenter__())
        except RopewalkError as error:
            raise CLIError(error.code, f"{error.message} {error.remedy}") from error
        except Exception as error:
            what = f"{found.name} does not start: {shown_error(error)}. {CATALOGUE['RW323'].remedy}"
            text = format_error(error.with_traceback(_frames_of_user(error.__traceback__)))
            raise CLIError("RW323", f"{what}\n{text.rstrip()}") from error
        try:
            yield _names(client, run), run
        finally:
            run(client.__aexit__(None, None, None))
    finally:
        run.close()


def _frames_of_user(frames: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of event loops before the user's code. If it has no such code, the whole
    traceback."""
    first = frames
    while first is not None and not is_users(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    return first or frames


def _names(client: AsyncClient, run: Runner) -> Names:
    """The global names of the code."""

    def request(method: str, path: str, **options: Any) -> ClientResponse:
        """Send a request to the app, and wait for the response: `request("GET", "/")`. It takes the same options as the
        client."""
        if running_loop() is not None:
            raise WouldBlock("event loop")
        response: ClientResponse = run(client.request(method, path, **options))
        return response

    return {"__name__": "__console__", "__doc__": None, "app": client.app, "client": client, "request": request}


def _banner(found: LoadedTarget) -> str:
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"Ropewalk {__version__}, Python {python}\n"
        f"app      {found.name}, started\n"
        'client   a test client: await client.get("/")\n'
        'request  the same without await: request("GET", "/").text\n'
        "Leave with Ctrl+D"
    )
