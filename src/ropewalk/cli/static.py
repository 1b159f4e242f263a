"""The command `ropewalk static DIRECTORY`."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from ropewalk import Files, FilesOptions
from ropewalk.cli.flags import Command, Decorated, argument, flag, source_of
from ropewalk.cli.serving import Serving, serve, serving_flags
from ropewalk.cli.target import LoadedTarget
from ropewalk.errors import OptionError


def _files_flags(command: Decorated) -> Decorated:
    """Add the flags for the options of `Files`."""
    flags: Sequence[Callable[[Decorated], Decorated]] = (
        flag("--index", default="index.html", metavar="NAME", help="The file that is sent for its folder."),
        flag("--listing/--no-listing", default=False, help="Show the files of folders without an index file."),
        flag(
            "--fallback",
            metavar="FILE",
            help="A file of DIRECTORY for paths without a file: a single-page application.",
        ),
        flag("--error-page", metavar="FILE", help="A file of DIRECTORY that is the page of errors (403, 404)."),
        flag(
            "--precompressed/--no-precompressed",
            default=False,
            help="Send app.js.br, app.js.zst or app.js.gz for app.js.",
        ),
        flag("--hashed-names/--no-hashed-names", default=False, help="Let browsers keep app.3f2a9c81.js for a year."),
        flag(
            "--cache-control",
            multiple=True,
            metavar="PATTERN=VALUE",
            help="Cache-Control for files, such as '*.html=no-cache'. The first pattern that matches counts.",
        ),
        flag("--download", multiple=True, metavar="PATTERN", help="Files that browsers save, such as '*.pdf'."),
    )
    for each in reversed(flags):
        command = each(command)
    return command


@click.command(cls=Command)
@argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_files_flags
@serving_flags
def static(
    directory: Path,
    *,
    index: str,
    listing: bool,
    fallback: str | None,
    error_page: str | None,
    precompressed: bool,
    hashed_names: bool,
    cache_control: Sequence[str],
    download: Sequence[str],
    **flags: Any,
) -> None:
    """Serve the files in DIRECTORY."""
    pages = {} if error_page is None else {403: error_page, 404: error_page}
    try:
        options = FilesOptions(
            cache_control=dict(map(_pattern_and_value, cache_control)),
            hashed_names=hashed_names,
            precompressed=precompressed,
            listing=listing,
            fallback=fallback,
            error_pages=pages,
            downloads=download,
        )
    except OptionError as error:
        raise click.UsageError(f"{error.message} {error.remedy}") from error
    serve(partial(_files, directory, options, index), Serving(**flags))


def _pattern_and_value(text: str) -> tuple[str, str]:
    pattern, equals, value = text.partition("=")
    if not pattern or not equals:
        raise click.UsageError(
            f"{source_of('cache_control')}: {text!r} is not PATTERN=VALUE, such as '*.html=no-cache'."
        )
    return pattern, value


def _files(directory: Path, options: FilesOptions, index: str) -> LoadedTarget:
    return LoadedTarget(Files(directory, options, index=index), f"{directory}/")
