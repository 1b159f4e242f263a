"""The service behind the proxy in the test of WebSockets: a greeting at `/socket`, and a plain page at `/`."""

from typing import Any

from twisted.web.websocket import WebSocketProtocol, WebSocketResource

from ropewalk import App, Request


class Greeting(WebSocketProtocol):
    """Sends one message."""

    def negotiationStarted(self, transport: Any) -> None:
        self.transport = transport

    def negotiationFinished(self) -> None:
        self.transport.sendTextMessage("Hello by WebSocket")

    @classmethod
    def buildProtocol(cls, request: Any) -> "Greeting":
        return cls()


app = App()
app.mount("/socket", WebSocketResource(Greeting))


@app.get("/")
def page(request: Request) -> list[str | None]:
    return [request.headers.get("connection"), request.headers.get("upgrade")]
