"""The same, with the engine's codec over the transport of Twisted, as it is where a transport is no plain socket."""

import sys

from pages import root
from twisted.internet import reactor
from twisted.web.server import Site

from ropewalk.dropin import HTTPChannel, accelerate

HTTPChannel.adopts_sockets = False
reactor.listenTCP(int(sys.argv[1]), accelerate(Site(root)), backlog=1024, interface="127.0.0.1")
reactor.run()
