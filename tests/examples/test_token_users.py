"""Users of tokens, as the guide shows them."""

from ropewalk.auth import TokenIssuer
from ropewalk.testing import Client
from token_users import SECRET, app

issuer = TokenIssuer(SECRET, issuer="hotel", audience="guests")


def test_the_user_of_a_token() -> None:
    with Client(app) as client:
        client.login(token=issuer.issue("1"))
        assert client.get("/me").json() == {"name": "ada"}
        client.login(token=issuer.issue("2"))
        assert client.get("/me").status == 401
        client.logout()
        assert client.get("/me").headers["www-authenticate"] == 'Bearer realm="app"'
