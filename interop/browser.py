"""A page in Chromium without a screen, driven by the protocol of its developer tools."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from interop.processes import started

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--window-size=1400,900",
    "--remote-debugging-port=0",
)
SECONDS: Final = 30
"""The timeout of waits on a page."""


class Page:
    """A tab, and the events in it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._session = ""
        self._events: list[tuple[str, dict[str, Any]]] = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result. Raises AssertionError for an error, and TimeoutError."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            reply: dict[str, Any] = json.loads(self._socket.recv(SECONDS))
            if reply.get("id") == number:
                assert "error" not in reply, reply
                result: dict[str, Any] = reply["result"]
                return result
            if "method" in reply:
                self._events.append((reply["method"], reply["params"]))

    def go(self, url: str) -> None:
        """Open a page. Raises AssertionError if it cannot be loaded."""
        assert "errorText" not in self.command("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of its promise."""
        came = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in came, came
        return came["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait for a condition in JavaScript. Raises AssertionError with the text of the page."""
        milliseconds = (SECONDS - 5) * 1000
        met = self.evaluate(
            f"""new Promise(resolve => {{
                const end = Date.now() + {milliseconds};
                const look = () => {{
                    if ({condition}) resolve(true);
                    else if (Date.now() > end) resolve(false);
                    else setTimeout(look, 50);
                }};
                look();
            }})"""
        )
        assert met, f"{condition} never came true:\n{self.text}"

    def shows(self, *texts: str) -> None:
        """Wait until the page has all of these."""
        for text in texts:
            self.until(f"document.body && document.body.innerText.includes({json.dumps(text)})")

    def click(self, text: str, *, which: int = 0) -> None:
        """Click the visible button with this text: the first, or the last with `which=-1`."""
        says = f"button => button.offsetParent && button.innerText.trim() == {json.dumps(text)}"
        found = f"[...document.querySelectorAll('button')].filter({says}).at({which})"
        self.until(found)
        self.evaluate(f"{found}.click()")

    def type(self, selector: str, text: str) -> None:
        """Set the text of the field with this CSS selector."""
        field = f"document.querySelector({json.dumps(selector)})"
        self.until(field)
        self.evaluate(f"{field}.focus()")
        self.command("Input.insertText", text=text)

    def choose_file(self, selector: str, file: Path) -> None:
        """Choose a file in the field with this CSS selector."""
        self.until(f"document.querySelector({json.dumps(selector)})")
        root = self.command("DOM.getDocument")["root"]["nodeId"]
        node = self.command("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.command("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    @property
    def text(self) -> str:
        """The visible text of the page."""
        return str(self.evaluate("document.body.innerText"))

    def events(self, method: str) -> list[dict[str, Any]]:
        """The events of a kind since the page was opened."""
        self.evaluate("0")  # earlier events have arrived by the time of this result
        return [params for name, params in self._events if name == method]

    def faults(self) -> list[str]:
        """Requests and frames that failed, and responses with a server error."""
        failed = [event["errorText"] for event in self.events("Network.loadingFailed") if not event.get("canceled")]
        failed += [event["errorMessage"] for event in self.events("Network.webSocketFrameError")]
        responses = [event["response"] for event in self.events("Network.responseReceived")]
        return failed + [f"{each['url']}: {each['status']}" for each in responses if each["status"] >= 500]


@contextmanager
def page(profile: Path) -> Iterator[Page]:
    """A tab in a browser that is started for it."""
    assert CHROMIUM is not None
    with started(CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank") as chromium:
        tools = chromium.says(r"DevTools listening on (ws://\S+)")[1]
        with connect(tools, max_size=None) as socket:
            yield Page(socket)
