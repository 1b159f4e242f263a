"""A WSGI application as a resource."""

from asyncio import _get_running_loop as running_loop
from collections.abc import Callable
from io import BytesIO
from threading import Event
from typing import Any

from ropewalk.errors import check_options, named
from ropewalk.request import Request
from ropewalk.resource import NOT_DONE_YET, Handler, Hosted, node_of
from ropewalk.response import Response
from ropewalk.wsgi.application_check import Application, check
from ropewalk.wsgi.call import WSGICall
from ropewalk.wsgi.environ import server_environ
from ropewalk.wsgi.options import WSGIOptions
from ropewalk.wsgi.reactor_queue import ReactorQueue
from ropewalk.wsgi.stop_wait import wait_for_calls
from ropewalk.wsgi.thread_response import ThreadResponse
from ropewalk.wsgi.threads import ApplicationThreads
from ropewalk.wsgi.threads_busy import threads_busy


class WSGIResource(Hosted):
    """A WSGI application as a resource, which handles every method and every path below its own. See `wsgi`."""

    def __init__(self, application: Any, options: WSGIOptions) -> None:
        super().__init__()
        check_options(options, WSGIOptions, "RW271")
        check(application)
        self.application: Application = application
        self.options = options
        self.start_hooks.append(self._new_stop_event)
        self.stopping_hooks.append(self._set_stop_event)
        self._handler = _handler(self)
        # `half_close` is "finish", because a thread cannot be cancelled.
        node_of(self).rendering["render"] = Handler(
            self._handler,
            body_limit=options.body_limit,
            half_close="finish",
            user_code=application,
            resource=self,
        )
        self._server = server_environ(multithread=options.threads != 1)
        self._new_stop_event()
        self._threads = ApplicationThreads(options.threads)
        self._reactor_queue: ReactorQueue | None = None
        self._wait_is_over = False
        """Whether `finish_calls` must stop waiting."""

    def render(self, request: Request) -> Any:
        """Call the application on a thread.

        Return NOT_DONE_YET, or a Waiter for the response if middleware sends it.
        """
        if request.target == b"*":
            return Response(None, 204)  # an OPTIONS for the whole server (RFC 9110, section 9.3.7)
        threads = self._threads.choose()
        if threads.waiting >= self.options.waiting:
            raise threads_busy(request, self.application, self.options.waiting)
        thread_response = ThreadResponse(request, self._queue_for_loop())
        handler = request.engine_handler
        direct = handler is not None and handler.call is self._handler and not request.prepared
        response = None if direct else thread_response.to_middleware()
        body = request.content if request.has_body else BytesIO()
        call = WSGICall(self.application, thread_response, self._server, body)
        threads.submit(call.run)
        return NOT_DONE_YET if response is None else response

    def _queue_for_loop(self) -> ReactorQueue:
        loop = running_loop()
        if self._reactor_queue is None or self._reactor_queue.loop is not loop:
            self._reactor_queue = ReactorQueue(loop)
        return self._reactor_queue

    def _new_stop_event(self) -> None:
        self._server["ropewalk.stopping"] = self._stopping = Event()

    def _set_stop_event(self) -> None:
        """Set the event that notifies threads that the app is stopping."""
        self._stopping.set()

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait up to a few seconds for calls of the application that continue after their responses."""
        self._wait_is_over = False
        await wait_for_calls(named(self.application), seconds, lambda: self._threads.busy, lambda: self._wait_is_over)

    def cut_calls(self) -> None:
        """Make `finish_calls` stop waiting now."""
        self._wait_is_over = True


def wsgi(application: Any, options: WSGIOptions = WSGIOptions()) -> WSGIResource:  # noqa: B008 - the options are frozen
    """A WSGI application (PEP 3333) as a resource: `app.mount("/", wsgi(application))`.

    It handles all paths below the path of the mount. That path is the application's SCRIPT_NAME. The application is
    called on a thread when the request body is complete. Middleware runs around it as around any handler. Raises
    HostedError (RW707) for an object that is not a WSGI application, and HandlerError (RW271) for wrong options.
    """
    return WSGIResource(application, options)


def _handler(resource: WSGIResource) -> Callable[[Request], Any]:
    render = resource.render

    def handler(request: Request) -> Any:
        return render(request)

    return handler
