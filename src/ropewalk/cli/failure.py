"""How the command line gives up: a code, what is wrong, what to do about it."""

from typing import IO, Any

import click
from rich.console import Console
from rich.markup import escape


class Failure(click.ClickException):
    """A mistake of the person at the keyboard: printed without a traceback, the exit code is 2."""

    exit_code = 2

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        console = Console(file=file, stderr=file is None, soft_wrap=True, highlight=False)
        console.print(f"[bold red]{self.code}[/] {escape(self.message)}")
