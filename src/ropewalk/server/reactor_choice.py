"""The reactor of `App.run` and the command line: the asyncio reactor, on uvloop if that is installed."""

import asyncio
import sys

from twisted.internet import asyncioreactor
from twisted.internet.main import installReactor

from ropewalk.server import uvloop_reactor


def install_reactor() -> str:
    """Install the asyncio reactor, on uvloop if that is installed, unless a reactor is installed already.

    Return the reactor's name.
    """
    if "twisted.internet.reactor" not in sys.modules:
        new_reactor = _new_reactor()
        asyncio.set_event_loop(new_reactor._asyncioEventloop)  # noqa: SLF001 - the loop that was passed to it
        installReactor(new_reactor)
    from twisted.internet import reactor

    kind = type(reactor).__name__
    loop = getattr(reactor, "_asyncioEventloop", None)
    return kind if loop is None else f"{kind} on {type(loop).__module__.partition('.')[0]}"


def _new_reactor() -> asyncioreactor.AsyncioSelectorReactor:
    try:
        import uvloop
    except ImportError:
        return asyncioreactor.AsyncioSelectorReactor(asyncio.new_event_loop())
    return uvloop_reactor.AsyncioSelectorReactor(uvloop.new_event_loop())
