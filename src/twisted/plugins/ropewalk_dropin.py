"""The plugin by which Twisted finds the endpoint prefix `ropewalk:`."""

from typing import Any

from twisted.internet.interfaces import IStreamServerEndpoint, IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from zope.interface import implementer


@implementer(IPlugin, IStreamServerEndpointStringParser)
class _Parser:
    """Imports our modules only when it parses: Twisted imports every endpoint plugin whenever it looks for one."""

    prefix = "ropewalk"

    def parseStreamServer(self, reactor: Any, *arguments: Any, **options: Any) -> IStreamServerEndpoint:
        """Return the endpoint for the description after the prefix. Raises StartError (RW720), a ValueError."""
        from ropewalk.dropin.entry.endpoint_prefix import parse

        return parse(reactor, arguments, options)


ropewalk = _Parser()
