"""The error that commands raise: a code, what is wrong, and what to do."""

from typing import IO, Any

import click
from rich.console import Console
from rich.markup import escape

from ropewalk.errors import more_about


class CLIError(click.ClickException):
    """An error that the user can fix. It is printed without a traceback, and the exit code is 2."""

    exit_code = 2

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        console = Console(file=file, stderr=file is None, soft_wrap=True, highlight=False)
        console.print(f"[bold red]{self.code}[/] {escape(self.message)}")
        console.print(f"[dim]{escape(more_about(self.code))}[/]")
