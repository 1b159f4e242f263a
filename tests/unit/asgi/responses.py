"""Responses of applications that send the given messages."""

from typing import Any

from tests.unit.asgi.applications import hosting, sending

from ropewalk.asgi import Message
from ropewalk.testing import Client, ClientResponse


def response_to(*messages: Message, method: str = "GET", **options: Any) -> ClientResponse:
    """The response of an application that sends these messages."""
    return Client(hosting(sending(*messages)), raise_errors=False).request(method, "/", **options)
