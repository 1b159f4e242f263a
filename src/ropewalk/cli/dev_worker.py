"""A worker process of `ropewalk dev`: it loads and serves the program when the supervisor tells it to."""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import Any, Final, NoReturn

import click
from rich.markup import escape
from twisted.internet.error import ReactorNotRunning

from ropewalk import __version__, cli
from ropewalk.app import App
from ropewalk.cli.banner import MOST_ROWS, print_cautions, start_text
from ropewalk.cli.error import CLIError
from ropewalk.cli.hosting import Hosting
from ropewalk.cli.logs import start_logging
from ropewalk.cli.missing_packages import missing_packages
from ropewalk.cli.route_table import route_rows, route_table
from ropewalk.cli.serving import Serving, failing
from ropewalk.cli.start_checks import settings_without_effect
from ropewalk.cli.target import LoadedTarget, load_target
from ropewalk.dev.browser_refresh import BrowserRefresh
from ropewalk.dev.editor_links import EditorLinks
from ropewalk.dev.error_pages import ErrorPages
from ropewalk.dev.messages import Message, MessageSocket
from ropewalk.dev.pretty_log import PrettyLog
from ropewalk.dev.problem import Problem
from ropewalk.dev.serving import broken_app, develop
from ropewalk.dev.supervisor_link import SupervisorLink, modules_to_preload
from ropewalk.resource import hosted_below
from ropewalk.server import (
    AppListeningPort,
    TLSOptions,
    app_of,
    flush_errors,
    half_closing,
    handle_log_signals,
    install_reactor,
    run,
    write_error,
)
from ropewalk.server.endpoint_descriptions import Inherited, parse_endpoint
from ropewalk.tracebacks import format_error
from ropewalk.waiting_places import is_users

LOG_INTERVAL: Final = 0.1
"""Seconds between two writes of the request log."""


class DevWorker:
    """Serves a program, or the page with the error that prevents it from starting."""

    def __init__(self, link: SupervisorLink, order: Message) -> None:
        self._link = link
        self._order = order
        self.problem: Problem | None = None
        """The error that prevents the program from starting."""
        self._began = monotonic()
        self._browsers = BrowserRefresh() if order["refresh"] else None

    def serve(self, target: str, hosting: Hosting, options: Serving, links: EditorLinks) -> None:
        """Serve the program until the supervisor says `drain`, or ends."""
        pages = ErrorPages(links)
        with self._reactor(options) as kind:
            loaded, problem = self._load(target, hosting, pages)
            if loaded is None:
                assert problem is not None
                self._serve_problem(problem, options)
                return
            app = app_of(loaded.value)
            develop(app, pages, self._browsers)
            try:
                self._run(app, loaded.value, options, partial(self._report_started, loaded, app, options, kind))
            except Exception as error:
                self.problem = pages.problem(error.__cause__ or error, "The program does not start")
                raise

    def serve_problem(self, problem: Problem) -> None:
        """Serve the page with an error that another worker has found. The settings are not read: they may be wrong."""
        options = Serving()
        with self._reactor(options):
            self._serve_problem(problem, options)

    @contextmanager
    def _reactor(self, options: Serving) -> Iterator[str]:
        kind = install_reactor()
        start_logging(options.logs())
        from twisted.internet import reactor

        give_back = handle_log_signals(reactor)
        try:
            yield kind
        finally:
            flush_errors()
            give_back(exiting=True)

    def _serve_problem(self, problem: Problem, options: Serving) -> None:
        app = broken_app(problem, self._browsers)
        self._run(app, app, options, partial(self._report_broken, problem))

    def _load(self, target: str, hosting: Hosting, pages: ErrorPages) -> tuple[LoadedTarget | None, Problem | None]:
        """The program, or the error of its import. Raises CLIError if the target cannot be found at the first start,
        because then the command is wrong."""
        try:
            return load_target(target, hosting), None
        except CLIError as error:
            if error.code != "RW415" and self._order["first"]:
                raise
            _show(error)
            cause = error.__cause__
            if error.code == "RW415" and cause is not None:
                return None, pages.problem(cause, f"{target} cannot be imported")
            return None, Problem.of_text(f"{target} cannot be served", f"{error.code} {error.message}")
        except (SystemExit, KeyboardInterrupt) as error:
            write_error(f"RW313 {target} ended the program with {error!r} while it was imported.\n")
            return None, pages.problem(error, f"{target} ended the program while it was imported")

    def _run(self, app: App, value: Any, options: Serving, report_started: Any) -> None:
        from twisted.internet import reactor

        loop: Any = reactor
        tls = self._order["tls"]
        logs = options.logs()

        def started(ports: list[AppListeningPort]) -> None:
            service = ports[0].server.service
            if logs.access_template is None and not logs.access_fields:
                service.log_access("json", PrettyLog(), logs, interval=LOG_INTERVAL)
            if options.log_level == "debug":
                service.engine.set_debug(True)
            self._link.on_drain = lambda: loop.callFromThread(self._drain)
            browsers = self._browsers
            if browsers is not None:
                self._link.on_refresh = partial(loop.callFromThread, browsers.notify)
            report_started(ports)

        listen = self._order["listen"]
        if getattr(value, "half_close", False):  # only a Site has this attribute
            listen = [half_closing(each) for each in listen]
        with failing(options):
            run(
                app,
                listen=listen,
                limits=options.limits_of(value),
                proxies=options.proxies_of(value),
                compress=options.compress,
                tls=None if tls is None else TLSOptions(**tls),
                watchdog=options.watchdog,
                logs=logs,
                started=started,
                exiting=True,
            )

    def _drain(self) -> None:
        from twisted.internet import reactor

        loop: Any = reactor
        with suppress(ReactorNotRunning):  # a signal has stopped it already
            loop.stop()

    def _report_broken(self, problem: Problem, ports: list[AppListeningPort]) -> None:
        write_error(f"{ports[0]} shows the error until a file changes: {problem.title}.\n\n")
        self._link.send("ready", is_broken=True, pages_are_cached=True, folders=[], modules=[])

    def _report_started(
        self, loaded: LoadedTarget, app: App, options: Serving, kind: str, ports: list[AppListeningPort]
    ) -> None:
        folders = folders_of_program(self._order["folders"])
        if self._order["first"]:
            self._print_banner(loaded, ports, kind, [*self._order["folders"], *folders])
        else:
            changed = self._order["changed"]
            seconds = monotonic() - self._began
            write_error(f"{f'{changed} changed: ' if changed else ''}the program started in {seconds:.2f} s.\n")
            if [*options.endpoints()] != self._order["endpoints"]:
                write_error("The settings have another address now. Start the command again to listen there.\n")
        self._link.send(
            "ready",
            is_broken=False,
            pages_are_cached=_caches_pages(app),
            folders=folders,
            modules=modules_to_preload(),
        )

    def _print_banner(
        self, loaded: LoadedTarget, ports: list[AppListeningPort], kind: str, folders: Sequence[str]
    ) -> None:
        console, banner = start_text()
        rows = route_rows(loaded.value)
        console.print(f"[bold]Ropewalk {__version__}[/] develops {escape(loaded.name)} on {kind}\n")
        console.print(route_table(rows[:MOST_ROWS]) if rows else "[yellow]It has no routes.[/]")
        if len(rows) > MOST_ROWS:
            console.print(f"[dim]and {len(rows) - MOST_ROWS} more: ropewalk routes {escape(loaded.name)}[/]")
        console.print()
        for port in ports:
            console.print(f"[bold green]{port}[/]")
        for folder in folders:
            console.print(f"[dim]Watches {escape(folder)}[/]")
        remarks = [*settings_without_effect(click.get_current_context()), *missing_packages(app_of(loaded.value))]
        print_cautions(console, [*remarks, *self._order["cautions"]])
        console.print("Stop with Ctrl+C\n")
        write_error(banner.getvalue())


def main() -> None:
    """Run a worker. `sys.argv` has the name of the command, and the descriptor of the message socket.

    SIGINT is ignored while the worker waits for the message to start, because the supervisor stops a waiting worker
    itself.
    """
    name, descriptor = sys.argv[1], int(sys.argv[2])
    os.set_inheritable(descriptor, False)
    link = SupervisorLink(MessageSocket(socket.socket(fileno=descriptor)))
    order = link.wait_for_go()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for endpoint in order["listen"]:
        listening = parse_endpoint(endpoint)
        assert isinstance(listening, Inherited)
        os.set_inheritable(listening.descriptor, False)
    sys.argv = [name, *order["arguments"]]
    worker = DevWorker(link, order)
    try:
        if order["problem"] is not None:
            worker.serve_problem(Problem.from_json(order["problem"]))
            return
        cli.main(order["arguments"], name, standalone_mode=False, obj=worker)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the next worker shows it
        _end(link, worker, error)


def _end(link: SupervisorLink, worker: DevWorker, error: Exception) -> NoReturn:
    """Print an error, send it to the supervisor, and exit."""
    if isinstance(error, click.ClickException):
        error.show()
        problem = worker.problem or _problem_of(error)
    else:
        traceback.print_exception(error)
        problem = worker.problem or Problem.of_text("The program does not start", format_error(error))
    started = isinstance(error, CLIError) and error.code == "RW403"  # an error of the program, not of the settings
    code = error.exit_code if isinstance(error, click.ClickException) and not started else None
    link.send("failed", problem=problem.as_json(), exit_code=code)
    sys.exit(1)


def folders_of_program(watched: Sequence[str]) -> list[str]:
    """The folders of the user's imported modules that are not below a watched folder."""
    files = {getattr(module, "__file__", None) for module in tuple(sys.modules.values())}
    found = {str(Path(file).resolve().parent) for file in files if isinstance(file, str) and is_users(file)}
    return sorted(folder for folder in found if not any(Path(folder).is_relative_to(each) for each in watched))


def _caches_pages(app: App) -> bool:
    """Whether a change of a template may need a new process: the app has templates that are not read again, or hosts a
    program of another framework, or has no templates of `ropewalk.templating`, so that another package may read
    templates."""
    sources = [each.templates for each in app.family() if each.templates is not None]
    reload = [getattr(getattr(source, "options", None), "reload", False) is not False for source in sources]
    return not sources or not all(reload) or bool(list(hosted_below(app.resource)))


def _show(error: CLIError) -> None:
    text = StringIO()
    error.show(text)
    write_error(text.getvalue())


def _problem_of(error: click.ClickException) -> Problem:
    code = f"{error.code} " if isinstance(error, CLIError) else ""
    return Problem.of_text("The settings cannot be used", f"{code}{error.format_message()}")
