"""Tests for trial. Run them with `trial sign_in_trial.py`."""

from twisted.trial.unittest import TestCase

from ropewalk.testing import AsyncClient, Client
from sign_in import app, sessions


class SignInTests(TestCase):
    def setUp(self) -> None:
        sessions.clear()

    async def test_signing_in(self) -> None:
        async with AsyncClient(app, follow_redirects=True) as client:
            response = await client.post("/sign-in", data={"name": "Ada", "password": "open sesame"})
        self.assertEqual(response.text, "Hello, Ada!")

    async def test_an_exception(self) -> None:
        async with AsyncClient(app) as client:
            with self.assertRaises(ZeroDivisionError):
                await client.get("/average")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_without_a_coroutine(self) -> None:
        self.assertEqual(Client(app).get("/").status, 401)
