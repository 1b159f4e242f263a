"""`hello.py` on the engine's parser over a transport of Twisted, as for transports that are not plain sockets."""

import sys

from twisted.internet import reactor
from twisted.web.server import Site

from pages import root
from ropewalk.dropin import HTTPChannel, accelerate

HTTPChannel.adopts_sockets = False
reactor.listenTCP(int(sys.argv[1]), accelerate(Site(root)), backlog=1024, interface="127.0.0.1")
reactor.run()
