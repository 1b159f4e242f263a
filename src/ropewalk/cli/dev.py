"""The command `ropewalk dev TARGET`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from ropewalk import Limits
from ropewalk.cli.flags import SETTINGS, Command, Decorated, flag, target_argument
from ropewalk.cli.hosting import hosting_flags, hosting_of
from ropewalk.cli.serving import Serving, failing, serving_flags
from ropewalk.server import load_tls

if TYPE_CHECKING:
    from ropewalk.cli.dev_worker import DevWorker

FLAGS_OF_RUN_ONLY: Final = ("access_log", "access_log_file", "redirect_http", "redirect_target_port")
"""The flags of `ropewalk run` that `ropewalk dev` does not have."""

DEFAULTS: Final[dict[str, Any]] = {"watchdog": 0.1, "log_format": "console"}
"""The flags of `ropewalk run` that have other defaults in `ropewalk dev`."""

_START: Final = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = {path!r}; "
    "from ropewalk.cli.dev_worker import main; main()"
)
"""The program of a worker. It ignores SIGINT, because the supervisor stops it after Ctrl+C. Its `sys.path` is the
supervisor's."""


class _TLS(NamedTuple):
    """The part about HTTPS of the message that the supervisor sends to each worker."""

    options: dict[str, str | None] | None
    """The options of `TLSOptions`; None for plain HTTP."""
    cautions: list[str]
    """Warnings, each one sentence."""


def _for_development(command: Decorated) -> Decorated:
    """Remove flags from a command, and change the defaults of others."""
    parameters: Any = command
    parameters.__click_params__ = [each for each in parameters.__click_params__ if each.name not in FLAGS_OF_RUN_ONLY]
    for each in parameters.__click_params__:
        if each.name in DEFAULTS:
            each.default = DEFAULTS[each.name]
            each.help = each.help.partition("  [default")[0]
            each.show_default = True
    return command


@click.command(cls=Command)
@target_argument
@flag(
    "--reload-dir",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Watch this folder instead of the working directory. May be repeated.",
)
@flag(
    "--reload-include",
    multiple=True,
    metavar="PATTERN",
    help="Watch files with such names, too: '*.sql'. May be repeated.",
)
@flag(
    "--reload-exclude",
    multiple=True,
    metavar="PATTERN",
    help="Do not watch files or folders with such names or paths: 'generated/*'. May be repeated.",
)
@flag(
    "--refresh/--no-refresh",
    default=True,
    show_default=False,
    help="Load pages in the browser again after a change.  [default: --refresh]",
)
@flag(
    "--editor",
    default="vscode",
    help="Editor that error pages link to: vscode, vscodium, cursor, zed, pycharm, idea, sublime, none, or a URL with "
    "{path} and {line}.",
)
@hosting_flags
@_for_development
@serving_flags
@click.pass_context
def dev(
    context: click.Context,
    /,
    target: str,
    reload_dir: Sequence[Path],
    reload_include: Sequence[str],
    reload_exclude: Sequence[str],
    editor: str,
    **flags: Any,
) -> None:
    """Serve TARGET for development: start again after a change, refresh the browser, and show errors in it.

    Takes the flags of `ropewalk run`, except --access-log, --access-log-file, --redirect-http and
    --redirect-target-port. It watches the Python files, templates, style sheets, scripts and settings below the working
    directory. Needs the extra `dev`.
    """
    del flags["refresh"]  # the message to the workers has it
    hosting = hosting_of(flags, flags["limits"])
    options = Serving(**flags)
    from ropewalk.dev.editor_links import EditorLinks

    worker: DevWorker | None = context.obj
    if worker is not None:
        worker.serve(target, hosting, options, EditorLinks(editor))
        return
    from ropewalk.dev.watcher import load_watchfiles

    with failing(options):
        load_watchfiles()
        EditorLinks(editor)
    folders = [folder.resolve() for folder in reload_dir] or _folders(target)
    sys.exit(_supervise(context, options, folders, reload_include, reload_exclude))


def _supervise(
    context: click.Context,
    options: Serving,
    folders: Sequence[Path],
    include: Sequence[str],
    exclude: Sequence[str],
) -> int:
    from ropewalk.dev.changes import WatchedFiles
    from ropewalk.dev.listening_sockets import inherited, open_listening
    from ropewalk.dev.supervisor import Environment, Supervisor
    from ropewalk.dev.watcher import Watcher, watch_folders
    from ropewalk.dev.worker import Worker

    settings = context.meta[SETTINGS].source
    also = frozenset() if settings is None else frozenset([str(settings.resolve())])
    roots = frozenset(map(str, folders))
    if settings is not None and not any(settings.resolve().is_relative_to(folder) for folder in folders):
        folders = [*folders, settings.resolve()]
    watched = WatchedFiles(roots=roots, include=include, exclude=exclude, also=also)
    with ExitStack() as stack:
        with failing(options):
            tls = stack.enter_context(_tls(options))
            descriptions = options.endpoints()
            backlog = Limits().replace(**options.limits).backlog
            sockets = [stack.enter_context(open_listening(each, backlog)) for each in descriptions]
        endpoints = [inherited(*each) for each in zip(descriptions, sockets, strict=True)]
        order = {
            "arguments": sys.argv[1:],
            "listen": endpoints,
            "endpoints": [*descriptions],
            "tls": tls.options,
            "cautions": tls.cautions,
            "folders": sorted(roots),
            "refresh": context.params["refresh"],
        }
        command = [*_interpreter(), "-c", _START.format(path=sys.path), context.find_root().info_name or "ropewalk"]
        descriptors = [each.fileno() for each in sockets]
        return Supervisor(
            Environment(
                start=lambda: Worker(command, descriptors),
                watcher=lambda wake: Watcher(watch_folders, watched, wake),
                print_line=_print_line,
                folders=folders,
                order=order,
            )
        ).run()


def _folders(target: str) -> list[Path]:
    """The folders to watch: the working directory, and the folder of the target if it is elsewhere."""
    here = Path.cwd()
    place = Path(target.partition(":")[0]).resolve()
    folder = place if place.is_dir() else place.parent
    return [here] if not folder.is_dir() or folder.is_relative_to(here) else [here, folder]


@contextmanager
def _tls(options: Serving) -> Iterator[_TLS]:
    """The options for HTTPS of all workers.

    A certificate that is made at the start is the same for all workers, so that the browser accepts it only once. Its
    file is readable by this user only, and removed at the end.
    """
    tls = options.tls()
    if tls is None:
        yield _TLS(None, [])
        return
    loaded = load_tls(tls)
    for description in options.endpoints():
        loaded.check_endpoint(description)
    values: dict[str, str | None] = {
        "minimum_version": tls.minimum_version,
        "client_ca": None if tls.client_ca is None else str(Path(tls.client_ca).resolve()),
        "client_certificates": tls.client_certificates,
    }
    cautions = loaded.warnings()
    if not tls.is_made:
        values |= {"certificate": str(tls.certificate_file.resolve()), "key": str(tls.key_file.resolve())}
        yield _TLS(values, cautions)
        return
    with TemporaryDirectory(prefix="ropewalk-dev-") as folder:
        path = Path(folder) / "certificate.pem"
        path.touch(mode=0o600)
        path.write_bytes(loaded.identity.pem())
        yield _TLS(values | {"certificate": str(path)}, cautions)


def _interpreter() -> list[str]:
    """The interpreter with the flags of this process, without the current folder in `sys.path`."""
    warnings = [f"-W{each}" for each in sys.warnoptions]
    development = ["-X", "dev"] if sys.flags.dev_mode else []
    return [sys.executable, "-P", *warnings, *development]


def _print_line(line: str) -> None:
    click.secho(line, err=True, fg="yellow" if line.startswith("RW") else "cyan")
