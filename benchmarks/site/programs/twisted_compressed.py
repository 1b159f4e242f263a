"""twisted.web with its encoder for gzip. Argument: the port."""

import json
import sys

from records import LEVEL, RECORDS
from twisted.internet import reactor
from twisted.web.http import Request
from twisted.web.resource import EncodingResourceWrapper, Resource
from twisted.web.server import GzipEncoderFactory, Site


class Records(Resource):
    """The records as JSON."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"application/json")
        return json.dumps(RECORDS, separators=(",", ":")).encode()


class Gzip(GzipEncoderFactory):
    """gzip at the level of the other servers."""

    compressLevel = LEVEL


root = Resource()
root.putChild(b"records", EncodingResourceWrapper(Records(), [Gzip()]))
reactor.listenTCP(int(sys.argv[1]), Site(root), interface="127.0.0.1")
reactor.run()
