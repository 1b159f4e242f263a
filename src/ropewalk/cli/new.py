"""The command `ropewalk new KIND NAME`."""

import shlex
from typing import Final, get_args

import click

from ropewalk.cli.flags import Command
from ropewalk.cli.project import Kind, project_at, write_project

_CONTENTS: Final[dict[Kind, str]] = {
    "site": "a site with pages, users who log in, a form, and tests",
    "api": "a REST service with a resource, tokens, an API description, and tests",
}


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(get_args(Kind)))
@click.argument("name")
def new(kind: Kind, name: str) -> None:
    """Create a project in the new folder NAME: a site with pages, or a REST service (api).

    It has tests that pass, settings for ruff, mypy and pytest, a Dockerfile and a unit for systemd. NAME may be a path.
    Files that exist are never changed.
    """
    project = project_at(name)
    write_project(kind, project)
    click.echo(f"Created {project.folder}: {_CONTENTS[kind]}. Next:\n")
    for command, reason in _next_commands(kind, f"{project.folder}", project.prefix):
        click.echo(f"    {command:<40}  # {reason}" if reason else f"    {command}")
    click.echo("\nThe README.md there explains the files.")


def _next_commands(kind: Kind, folder: str, prefix: str) -> list[tuple[str, str]]:
    secret = [(f"export {prefix}_SECRET=$(openssl rand -hex 32)", "")] if kind == "api" else []
    return [
        (f"cd {shlex.quote(folder)}", ""),
        ('pip install --editable ".[dev]"', "into an environment with Ropewalk"),
        *secret,
        ("pytest", "runs the tests"),
        ("ropewalk dev", "serves http://127.0.0.1:8080/, and reloads on changes"),
    ]
