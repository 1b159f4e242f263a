"""A WSGI application as a resource."""

import sys
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from threading import Event
from typing import Any, Final, NoReturn

from twisted.logger import Logger

from ropewalk.calling.shortages import INTERVAL, Shortage
from ropewalk.errors import CATALOGUE, is_int, named, shown
from ropewalk.request import Request
from ropewalk.resource import BODY_LIMIT, NOT_DONE_YET, Handler, Hosted, check_body_limit, check_options, node_of
from ropewalk.response import Response
from ropewalk.waiting import Waiter
from ropewalk.wsgi.application_check import Application, Environ, check
from ropewalk.wsgi.call import WSGICall
from ropewalk.wsgi.file_wrapper import FileWrapper
from ropewalk.wsgi.reactor_queue import ReactorQueue
from ropewalk.wsgi.thread_response import ThreadResponse
from ropewalk.wsgi.threads import PoolThreads, Threads

THREADS: Final = 10
"""Threads of our own where there is no reactor, as in tests: as many as a reactor has."""
PATIENCE: Final = 5.0
"""Seconds at most for calls to end that still run when every response is complete, or cut off."""
LEAST: Final = 1.0
"""Seconds at least for that, also where the deadline of the stop has passed: a thread has to notice that it is cut."""
LOOK: Final = 0.02
"""Seconds after which the stop looks again whether they have."""

log = Logger(namespace="ropewalk.wsgi")

_BUSY: Final = Shortage("RW705", 503, (("retry-after", "1"),))  # RFC 9110, section 10.2.3


@dataclass(frozen=True, slots=True, kw_only=True)
class WSGIOptions:
    """How an application is called. Raises ValueError for what cannot be."""

    threads: int | None = None
    """Threads of its own, at most; None for those of the reactor, of which there are 10 unless the program asks for
    more by `reactor.suggestThreadPoolSize`. An application that often waits for others wants more."""
    waiting: int = 1000
    """Requests that may wait for a thread; one more is answered 503. Those that wait hold memory for their bodies."""
    body_limit: int | None = BODY_LIMIT
    """Bytes of a request's body, at most, past which it is 413; None for the engine's limit. A body past
    `Limits.spool_size` waits in a temporary file."""

    def __post_init__(self) -> None:
        if self.threads is not None and not (is_int(self.threads) and self.threads >= 1):
            what = "threads is the number of them, at least 1, or None for those of the reactor"
            raise ValueError(f"An application needs a thread: {what}, not {shown(self.threads)}.")
        if not (is_int(self.waiting) and self.waiting >= 1):
            what = "waiting is the number of those that may, at least 1"
            raise ValueError(f"Requests have to wait for a thread to wake: {what}, not {shown(self.waiting)}.")
        check_body_limit(self.body_limit)


class WSGIResource(Hosted):
    """A WSGI application at its place in the tree, where it answers every method and every path. See `wsgi`."""

    def __init__(self, application: Any, options: WSGIOptions) -> None:
        super().__init__()
        check_options(options, WSGIOptions)
        check(application)
        self.application: Application = application
        self.options = options
        self.start_hooks.append(self._begin)
        self.stopping_hooks.append(self._stop)
        self._handler = _handler(self)
        # Nothing cancels a thread, so that its response may as well be sent.
        node_of(self).rendering["render"] = Handler(
            self._handler,
            body_limit=options.body_limit,
            half_close="finish",
            user_code=application,
            resource=self,
        )
        self._server: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.multithread": options.threads != 1,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
        }
        self._begin()
        self._own = Threads(options.threads or THREADS)
        self._pool: PoolThreads | None = None
        self._reactor_queue: ReactorQueue | None = None
        self._cut = False
        """Whether a stop waits for threads no longer."""

    def render(self, request: Request) -> Any:
        """Have the application called on a thread, which answers."""
        if request.target == b"*":
            return Response(None, 204)  # OPTIONS for the server as a whole (RFC 9110, section 9.3.7)
        threads = self._threads()
        if threads.waiting >= self.options.waiting:
            self._refuse(request)
        answer = ThreadResponse(request, self._queue_for_loop())
        endpoint = request.endpoint
        direct = endpoint is not None and endpoint.call is self._handler and not request.prepared
        response = None if direct else answer.respond()
        body = request.content if request.has_body else BytesIO()
        call = WSGICall(self.application, answer, self._server, body)
        threads.submit(call.run)
        return NOT_DONE_YET if response is None else response

    def _threads(self) -> Threads:
        reactor: Any = None if self.options.threads else sys.modules.get("twisted.internet.reactor")
        if not getattr(reactor, "running", False):
            return self._own
        if self._pool is None:
            self._pool = PoolThreads(reactor.getThreadPool())
        return self._pool

    def _queue_for_loop(self) -> ReactorQueue:
        loop = running_loop()
        if self._reactor_queue is None or self._reactor_queue.loop is not loop:
            self._reactor_queue = ReactorQueue(loop)
        return self._reactor_queue

    def _begin(self) -> None:
        self._server["ropewalk.stopping"] = self._stopping = Event()

    def _stop(self) -> None:
        """Tell the threads that wait for it that a stop has begun."""
        self._stopping.set()

    def _refuse(self, request: Request) -> NoReturn:
        """Too many requests wait for a thread."""
        if request.service.shortages.is_news(_BUSY):
            log.warn(
                "RW705 {method} {path}: {count} requests wait for a thread to call {who}. {remedy} "
                "For {seconds:g} s there is no other line about this.",
                method=request.method,
                path=request.raw_path.decode("ascii"),
                count=self.options.waiting,
                who=named(self.application),
                remedy=CATALOGUE["RW705"].remedy,
                seconds=INTERVAL,
            )
        raise _BUSY.to_http_error()

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait a little for calls that run after their responses. Nothing can end a thread."""
        self._cut = False
        patience = PATIENCE if seconds is None else min(PATIENCE, max(seconds, LEAST))
        who = named(self.application)
        for turn in range(round(patience / LOOK)):
            busy = self._own.busy + (self._pool.busy if self._pool is not None else 0)
            if not busy:
                return
            calls = f"1 call of {who} still runs" if busy == 1 else f"{busy} calls of {who} still run"
            if self._cut:
                break
            if turn == 1:
                log.info("Stopping: {calls}, up to {seconds:g} s.", calls=calls, seconds=round(patience, 1))
            await _pause(LOOK)
        log.warn("RW706 {calls}. {remedy}", calls=calls, remedy=CATALOGUE["RW706"].remedy)

    def cut_calls(self) -> None:
        """Wait for threads no longer."""
        self._cut = True


def wsgi(application: Any, options: WSGIOptions = WSGIOptions()) -> WSGIResource:
    """A WSGI application (PEP 3333) as a resource: `app.mount("/", wsgi(application))`.

    It answers for all paths below its place, which it knows as SCRIPT_NAME. It is called on a thread when the body of
    the request is there. Middleware stands around it as around any handler. Raises HostedError (RW707) for what is no
    WSGI application, and TypeError for other options.
    """
    return WSGIResource(application, options)


def _handler(resource: WSGIResource) -> Callable[[Request], Any]:
    render = resource.render

    def handler(request: Request) -> Any:
        return render(request)

    return handler


def _pause(seconds: float) -> Waiter[None]:
    """A wait, timed by whatever runs: the event loop, or the reactor where there is none."""
    pause: Waiter[None] = Waiter()

    def end() -> None:
        if not pause.called:
            pause.callback(None)

    loop = running_loop()
    if loop is not None:
        loop.call_later(seconds, end)
    else:
        from twisted.internet import reactor

        reactor.callLater(seconds, end)
    return pause
