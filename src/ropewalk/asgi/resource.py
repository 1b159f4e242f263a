"""An ASGI application as a resource."""

from collections.abc import Awaitable, Callable
from typing import Any

from ropewalk.asgi.application_check import check
from ropewalk.asgi.call_runner import CallRunner
from ropewalk.asgi.captured_response import CapturedResponse
from ropewalk.asgi.lifespan import Lifespan
from ropewalk.asgi.messages import Application
from ropewalk.asgi.options import ASGIOptions
from ropewalk.asgi.scope import http_scope
from ropewalk.asgi.sending import ASGICall
from ropewalk.errors import check_options, named
from ropewalk.request import PENDING, Request
from ropewalk.resource import Handler, Hosted, node_of


class ASGIResource(Hosted):
    """An ASGI application in the tree. It responds to every method on every path below its mount. See `asgi`."""

    def __init__(self, application: Any, options: ASGIOptions) -> None:
        super().__init__()
        check_options(options, ASGIOptions, "RW271")
        check(application)
        self.application: Application = application
        self.options = options
        self.state: dict[str, Any] = {}
        """The state that the lifespan fills. Each request gets a copy."""
        self._runner = runner = CallRunner(application)
        life = Lifespan(application, self.state, options.lifespan)
        self.start_hooks += [runner.check_loop, life.start]
        self.stop_hooks.append(_shutdown(life, application))
        self._call = _handler(runner, self.state)
        # whole_body=False: the application is called when the head has arrived, because it receives the body itself.
        # half_close="respond": the application may wait for a thread, which cannot be cancelled. So it is notified that
        # the client has closed its sending side, and may respond.
        node_of(self).rendering["render"] = Handler(
            self._call,
            whole_body=False,
            body_limit=options.body_limit,
            call_in_middleware=_handler_in_middleware(runner, self.state),
            half_close="respond",
            user_code=application,
        )

    def render(self, request: Request) -> Any:
        """Call the application for a request."""
        return self._call(request)

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait up to `seconds` for calls that run after their responses, then cancel them."""
        await self._runner.finish(seconds)

    def cut_calls(self) -> None:
        """Cancel the calls that a stop waits for."""
        self._runner.cut()


def asgi(application: Any, options: ASGIOptions = ASGIOptions()) -> ASGIResource:  # noqa: B008 - the options are frozen
    """Make an ASGI application (ASGI 3.0) a resource: `app.mount("/", asgi(application))`.

    It responds on all paths below its mount path, which is its `root_path`. Its lifespan begins and ends with the
    served app. It needs an asyncio reactor; with any other reactor, the app's start fails with HostedError (RW710).
    Raises HostedError (RW715) for an object that is not an ASGI application, and HandlerError (RW271) for options
    that are not ASGIOptions.
    """
    return ASGIResource(application, options)


def _shutdown(life: Lifespan, application: Application) -> Callable[[], Awaitable[None]]:
    """The stop hook of an application. Its name contains the application's name, so that messages about the hook name
    the application."""

    async def shutdown() -> None:
        await life.stop()

    shutdown.__qualname__ = f"lifespan.shutdown of {named(application)}"
    return shutdown


def _handler(runner: CallRunner, state: dict[str, Any]) -> Callable[[Request], Any]:
    run = runner.run

    def render(request: Request) -> Any:
        run(http_scope(request, state), ASGICall(request))
        return PENDING

    return render


def _handler_in_middleware(runner: CallRunner, state: dict[str, Any]) -> Callable[[Request], Any]:
    """The handler that is used inside middleware. It returns the response instead of sending it."""

    def render(request: Request) -> Any:
        captured = CapturedResponse(request)
        call = ASGICall(request, captured)
        captured.when_left(call.left)
        runner.run(http_scope(request, state), call)
        return captured.response

    return render
