"""Serve an app over HTTPS, with Twisted's TLS. This needs the extra `tls`, `key.pem` and `certificate.pem`."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.task import react

from hello import app
from ropewalk import Site, install_reactor

ENDPOINT = "ssl:8443:privateKey=key.pem:certKey=certificate.pem:interface=127.0.0.1"


async def serve(reactor: Any, endpoint: str = ENDPOINT) -> None:
    """Listen, then serve until the reactor stops (Ctrl+C)."""
    try:
        port = await serverFromString(reactor, endpoint).listen(Site(app))
    except CannotListenError as error:
        raise SystemExit(f"The server cannot listen: {error}") from None
    print(f"Serving https://localhost:{port.getHost().port}/", flush=True)
    await Deferred()


if __name__ == "__main__":
    install_reactor()  # the asyncio reactor, before react() imports the default one
    react(serve)
