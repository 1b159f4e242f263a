"""The program that `test_reactors` runs in a separate process: an example on a reactor, with one request.

python reactors.py REACTOR HOW EXAMPLE
"""

import importlib
import sys
from typing import Any

from tests.processes import EXAMPLES


def main(reactor: Any, how: str, app: Any) -> None:
    from twisted.internet.defer import ensureDeferred, succeed

    from ropewalk import Site
    from ropewalk.errors import StartError

    if how == "listen":
        listening = app.listen(reactor, "tcp:0:interface=127.0.0.1")
        port = listening.port
        started = listening.started()
    else:
        site = Site(app.resource)
        port = reactor.listenTCP(0, site, interface="127.0.0.1").getHost().port
        started = succeed(None)

    async def ask() -> None:
        import treq
        from twisted.web.client import ResponseNeverReceived

        try:
            await started
            response = await treq.post(f"http://127.0.0.1:{port}/notes", json={"title": "rope"}, persistent=False)
            print(response.code, await response.text())
        except (StartError, ResponseNeverReceived) as error:
            print(type(error).__name__, error)
        finally:
            reactor.stop()

    reactor.callWhenRunning(lambda: ensureDeferred(ask()))
    reactor.run()


if __name__ == "__main__":
    kind, how, example = sys.argv[1:]
    sys.path.insert(0, str(EXAMPLES))
    importlib.import_module(f"twisted.internet.{kind}reactor").install()
    from twisted.internet import reactor
    from twisted.logger import globalLogBeginner, textFileLogObserver

    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    main(reactor, how, importlib.import_module(example).app)
