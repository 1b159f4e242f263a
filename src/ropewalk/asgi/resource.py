"""An ASGI application as a resource."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, get_args

from ropewalk.asgi.application_check import check
from ropewalk.asgi.call import ASGICall
from ropewalk.asgi.call_runner import CallRunner
from ropewalk.asgi.captured_response import CapturedResponse
from ropewalk.asgi.lifespan import Lifespan, Mode
from ropewalk.asgi.messages import Application
from ropewalk.asgi.scope import http_scope
from ropewalk.errors import named, shown
from ropewalk.request import PENDING, Request
from ropewalk.resource import BODY_LIMIT, Handler, Hosted, check_body_limit, check_options, node_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ASGIOptions:
    """How an application is called. Raises ValueError for what cannot be."""

    lifespan: Mode = "auto"
    """Whether it is told of start and stop: "auto" accepts an application that has no lifespan, "on" does not, and
    "off" does not ask."""
    body_limit: int | None = BODY_LIMIT
    """Bytes of a request's body, at most, past which it is 413; None for the engine's limit. Applications take a body
    part by part, and expect to be given large ones."""

    def __post_init__(self) -> None:
        if self.lifespan not in get_args(Mode):
            modes = " or ".join(map(repr, get_args(Mode)))
            raise ValueError(f"The lifespan of an application is {modes}, not {shown(self.lifespan)}.")
        check_body_limit(self.body_limit)


class ASGIResource(Hosted):
    """An ASGI application at its place in the tree, where it answers every method and every path. See `asgi`."""

    def __init__(self, application: Any, options: ASGIOptions) -> None:
        super().__init__()
        check_options(options, ASGIOptions)
        check(application)
        self.application: Application = application
        self.options = options
        self.state: dict[str, Any] = {}
        """What the lifespan has left for requests."""
        self._runner = runner = CallRunner(application)
        life = Lifespan(application, self.state, options.lifespan)
        self.start_hooks += [runner.check_loop, life.start]
        self.stop_hooks.append(_shutdown(life, application))
        self._call = _handler(runner, self.state)
        # Called at the head, though it is no coroutine function: the application asks for the body. What waits there
        # may be a thread, which nothing cancels; an application that listens hears of a client that stops sending.
        node_of(self).rendering["render"] = Handler(
            self._call,
            whole_body=False,
            body_limit=options.body_limit,
            call_in_middleware=_handing(runner, self.state),
            half_close="respond",
            user_code=application,
        )

    def render(self, request: Request) -> Any:
        """Call the application."""
        return self._call(request)

    async def finish_calls(self, seconds: float | None) -> None:
        """Wait for background work of the application, then cancel it."""
        await self._runner.finish(seconds)

    def cut_calls(self) -> None:
        """Cancel the background work that a stop waits for."""
        self._runner.cut()


def asgi(application: Any, options: ASGIOptions = ASGIOptions()) -> ASGIResource:
    """An ASGI application (ASGI 3.0) as a resource: `app.mount("/", asgi(application))`.

    It responds on all paths below its place, which it knows as `root_path`. Its lifespan begins and ends with the app
    that is served. It needs an asyncio event loop, so an asyncio reactor: the start fails with HostedError (RW710)
    elsewhere. Raises HostedError (RW715) for what is no ASGI application, and TypeError for other options.
    """
    return ASGIResource(application, options)


def _shutdown(life: Lifespan, application: Application) -> Callable[[], Awaitable[None]]:
    """The stop hook of an application, by a name that says whose it is."""

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


def _handing(runner: CallRunner, state: dict[str, Any]) -> Callable[[Request], Any]:
    """What is called where there is middleware, which is to have the response in its hands."""

    def render(request: Request) -> Any:
        receiver = CapturedResponse(request)
        call = ASGICall(request, receiver)
        receiver.when_left(call.left)
        runner.run(http_scope(request, state), call)
        return receiver.response

    return render
