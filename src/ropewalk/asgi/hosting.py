"""An ASGI application as a resource."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ropewalk.asgi.call import Call
from ropewalk.asgi.checking import check
from ropewalk.asgi.lifespan import Lifespan, Mode
from ropewalk.asgi.messages import Application
from ropewalk.asgi.response_receiver import ResponseReceiver
from ropewalk.asgi.running import Runner
from ropewalk.asgi.scope import http_scope
from ropewalk.errors import named
from ropewalk.request import PENDING, Request
from ropewalk.resource import Handler, Hosted, node_of

BODY_LIMIT: Final = 100 << 20
"""Bytes. Applications take a body part by part, and expect to be given large ones."""


class ASGIResource(Hosted):
    """An ASGI application at its place in the tree, where it answers every method and every path. See `asgi`."""

    def __init__(self, application: Any, *, lifespan: Mode, body_limit: int | None) -> None:
        super().__init__()
        check(application, lifespan)
        self.application: Application = application
        self.state: dict[str, Any] = {}
        """What the lifespan has left for requests."""
        self._runner = runner = Runner(application)
        life = Lifespan(application, self.state, lifespan)
        self.start_hooks += [runner.check_loop, life.start]
        self.stop_hooks.append(_shutdown(life, application))
        self._call = _handler(runner, self.state)
        # Called at the head, though it is no coroutine function: the application asks for the body. What waits there
        # may be a thread, which nothing cancels; an application that listens hears of a client that stops sending.
        node_of(self).rendering["render"] = Handler(
            self._call,
            whole_body=False,
            body_limit=body_limit,
            call_in_middleware=_handing(runner, self.state),
            half_close="respond",
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


def asgi(application: Any, *, lifespan: Mode = "auto", body_limit: int | None = BODY_LIMIT) -> ASGIResource:
    """An ASGI application (ASGI 3.0) as a resource: `app.mount("/", asgi(application))`.

    It answers for all paths below its place, which it knows as `root_path`. Its lifespan begins and ends with the app
    that is served: "auto" bears an application that has none, "on" does not, "off" does not ask. `body_limit` is the
    most that the body of a request may have, in bytes; None stands for the engine's limit.

    It needs an asyncio event loop, so an asyncio reactor: the start fails with HostedError (RW710) elsewhere. Raises
    HostedError (RW715) for what is no ASGI application.
    """
    return ASGIResource(application, lifespan=lifespan, body_limit=body_limit)


def _shutdown(life: Lifespan, application: Application) -> Callable[[], Awaitable[None]]:
    """The stop hook of an application, by a name that says whose it is."""

    async def shutdown() -> None:
        await life.stop()

    shutdown.__qualname__ = f"lifespan.shutdown of {named(application)}"
    return shutdown


def _handler(runner: Runner, state: dict[str, Any]) -> Callable[[Request], Any]:
    run = runner.run

    def render(request: Request) -> Any:
        run(http_scope(request, state), Call(request))
        return PENDING

    render.__wrapped__ = runner.application  # type: ignore[attr-defined] # error messages name it by this
    return render


def _handing(runner: Runner, state: dict[str, Any]) -> Callable[[Request], Any]:
    """What is called where there is middleware, which is to have the response in its hands."""

    def render(request: Request) -> Any:
        receiver = ResponseReceiver(request)
        call = Call(request, receiver)
        receiver.when_left(call.left)
        runner.run(http_scope(request, state), call)
        return receiver.response

    render.__wrapped__ = runner.application  # type: ignore[attr-defined] # as above
    return render
