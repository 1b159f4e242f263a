"""Twisted's Agent and treq against a server: `python twisted_clients.py URL`. In its own process, because a reactor can
run only once per process."""

import sys
from io import BytesIO
from typing import Any

import treq
from treq.client import HTTPClient
from twisted.internet import defer, task
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, ResponseNeverReceived, readBody
from twisted.web.http_headers import Headers

LARGE = bytes(range(256)) * 16_384


async def use_agent(reactor: Any, url: str, pool: HTTPConnectionPool) -> None:
    agent = Agent(reactor, pool=pool)
    for _ in range(3):
        response = await agent.request(b"GET", url.encode())
        assert (response.code, await readBody(response)) == (200, b"Hello, World!")
    response = await agent.request(b"GET", f"{url}/large".encode())
    assert await readBody(response) == LARGE
    upload = FileBodyProducer(BytesIO(LARGE[:100_000]))
    response = await agent.request(b"POST", f"{url}/echo".encode(), Headers({b"x": [b"y"]}), upload)
    assert await readBody(response) == LARGE[:100_000]
    response = await agent.request(b"HEAD", f"{url}/large".encode())
    assert (response.code, await readBody(response)) == (200, b"")
    response = await agent.request(b"GET", f"{url}/parts".encode())
    assert await readBody(response) == b"one two"


async def use_treq(url: str, client: HTTPClient) -> None:
    response = await client.get(url)
    assert (response.code, await response.text()) == (200, "Hello, World!")
    response = await client.post(f"{url}/facts", json={"two": 2}, params={"a": "b"})
    facts = await response.json()
    assert (facts["target"], facts["body"]) == ("/facts?a=b", '{"two":2}')
    response = await client.post(f"{url}/echo", data=b"x" * 50_000)
    assert await response.content() == b"x" * 50_000
    parts: list[bytes] = []
    await treq.collect(await client.get(f"{url}/large"), parts.append)
    assert b"".join(parts) == LARGE
    texts = [defer.ensureDeferred(text(client, url)) for _ in range(20)]
    assert await defer.gatherResults(texts) == ["Hello, World!"] * 20
    try:
        await client.get(f"{url}/held/treq", timeout=0.1)
    except ResponseNeverReceived:
        pass
    else:
        raise AssertionError("there is no answer")


async def text(client: HTTPClient, url: str) -> str:
    response = await client.get(url)
    return str(await response.text())


async def main(reactor: Any, url: str) -> None:
    pool = HTTPConnectionPool(reactor, persistent=True)
    try:
        await use_agent(reactor, url, pool)
        await use_treq(url, HTTPClient(Agent(reactor, pool=pool)))
    finally:
        await pool.closeCachedConnections()


if __name__ == "__main__":
    task.react(lambda reactor: defer.ensureDeferred(main(reactor, sys.argv[1])))
