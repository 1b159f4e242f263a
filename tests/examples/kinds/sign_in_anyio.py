"""Tests for pytest with anyio's plugin. Run them with `pytest sign_in_anyio.py`."""

from collections.abc import AsyncIterator

import pytest

from ropewalk.testing import AsyncClient
from sign_in import app, sessions

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    sessions.clear()
    async with AsyncClient(app, follow_redirects=True) as client:
        yield client


async def test_signing_in(client: AsyncClient) -> None:
    response = await client.post("/sign-in", data={"name": "Ada", "password": "open sesame"})
    assert response.text == "Hello, Ada!"


async def test_an_exception(client: AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await client.get("/average")
