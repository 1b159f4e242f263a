"""Where Twisted finds the endpoint prefix `ropewalk:`."""

from typing import Any

from twisted.internet.interfaces import IStreamServerEndpoint, IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from zope.interface import implementer


@implementer(IPlugin, IStreamServerEndpointStringParser)
class _Parser:
    """Twisted imports it wherever a plugin of its kind is wanted, so it imports nothing of ours before it is asked."""

    prefix = "ropewalk"

    def parseStreamServer(self, reactor: Any, *arguments: Any, **options: Any) -> IStreamServerEndpoint:
        """The endpoint described by what follows the prefix. Raises StartError (RW720), a ValueError."""
        from ropewalk.dropin.entry.endpoint_prefix import parse

        return parse(reactor, arguments, options)


ropewalk = _Parser()
