"""The reactor of `App.run` and the command line: the asyncio reactor, on uvloop if that is installed."""

import asyncio
import sys

from twisted.internet import asyncioreactor


def install_reactor() -> str:
    """Install the asyncio reactor, on uvloop if that is installed, unless a reactor is installed already.

    Return the reactor's name.
    """
    if "twisted.internet.reactor" not in sys.modules:
        new_loop = _new_loop()
        asyncio.set_event_loop(new_loop)
        asyncioreactor.install(new_loop)
    from twisted.internet import reactor

    kind = type(reactor).__name__
    loop = getattr(reactor, "_asyncioEventloop", None)
    return kind if loop is None else f"{kind} on {type(loop).__module__.partition('.')[0]}"


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
