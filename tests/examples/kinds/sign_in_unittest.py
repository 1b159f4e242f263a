"""Tests for unittest. Run them with `python -m unittest sign_in_unittest.py`."""

from unittest import IsolatedAsyncioTestCase

from ropewalk.testing import AsyncClient
from sign_in import app, sessions


class SignInTests(IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        sessions.clear()
        self.client = await self.enterAsyncContext(AsyncClient(app, follow_redirects=True))

    async def test_signing_in(self) -> None:
        response = await self.client.post("/sign-in", data={"name": "Ada", "password": "open sesame"})
        self.assertEqual(response.text, "Hello, Ada!")

    async def test_an_exception(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            await self.client.get("/average")
