"""A provider of OpenID Connect on 127.0.0.1, honest unless a test makes it hostile."""

import base64
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from tests.unit.auth.tokens import P_256, RSA, part, public, token

Change = Callable[[dict[str, Any]], dict[str, Any]]

CLIENT = "hotel"
CLIENT_SECRET = "s3cret & more: ü"
CALLBACK = "https://hotel.example/auth/callback"


def unchanged(document: dict[str, Any]) -> dict[str, Any]:
    return document


class Provider:
    """The provider. Each user that `log_in` names has always allowed access."""

    def __init__(self) -> None:
        self.issuer = ""
        self.callback = CALLBACK
        self.calls: Counter[str] = Counter()
        self.key: Any = RSA
        self.algorithm = "RS256"
        self.key_id = "1"
        self.published = [public(RSA, kid="1", use="sig"), public(P_256, kid="2", use="sig")]
        self.codes: dict[str, dict[str, str]] = {}
        self.access_tokens: dict[str, str] = {}
        self.active: dict[str, Any] = {}
        """The responses of the introspection endpoint, by token."""
        self.received: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        """The path, the form and the fields of each request."""
        self.names_issuer = True
        self.public_client = False
        self.metadata: Change = unchanged
        self.claims: Change = unchanged
        self.tokens: Change = unchanged
        self.user: dict[str, Any] = {"email": "ada@hotel.example", "name": "Ada"}
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.raw: dict[str, tuple[int, bytes]] = {}
        """Responses that replace the provider's own, by path."""
        self.go = Event()
        """The provider responds only when this is set."""
        self.go.set()
        self.now: Callable[[], float] = time.time

    def log_in(self, url: str, user: str = "ada") -> str:
        """Act as a browser that was sent to `url` and whose user logs in. Return the URL to which it is sent back."""
        query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        assert url.startswith(f"{self.issuer}/authorize?")
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["redirect_uri"] == self.callback
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "user": user}
        return self.back(query["state"], code=code)

    def back(self, state: str, **parameters: str) -> str:
        issuer = {"iss": self.issuer} if self.names_issuer else {}
        return f"/auth/callback?{urlencode({**parameters, 'state': state, **issuer})}"

    def signed(self, claims: dict[str, Any]) -> str:
        return token(self.key, self.algorithm, WITHOUT_OTHERS | claims, kid=self.key_id)

    def handle(self, method: str, path: str, form: dict[str, list[str]], fields: dict[str, str]) -> tuple[int, Any]:
        self.calls[path] += 1
        self.received.append((path, form, fields))
        if path in self.raw:
            return self.raw[path]
        if path == "/.well-known/openid-configuration":
            return 200, self.metadata(self._description())
        if path == "/jwks":
            return 200, {"keys": self.published}
        if path == "/userinfo":
            user = self.access_tokens.get(fields.get("authorization", "").removeprefix("Bearer "))
            return (200, {"sub": user, "id": 7, **self.user}) if user else (401, {})
        if path == "/token" and method == "POST":
            return self._token(form, fields)
        if path == "/introspect" and method == "POST":
            if not self._is_client(form, fields):
                return 401, {"error": "invalid_client"}
            return 200, self.active.get(form["token"][0], {"active": False})
        return 404, {}

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": self.names_issuer,
        }

    def _token(self, form: dict[str, list[str]], fields: dict[str, str]) -> tuple[int, Any]:
        if not self._is_client(form, fields):
            return 401, {"error": "invalid_client"}
        given = self.codes.pop(form["code"][0], None)
        if given is None or form["redirect_uri"] != [given["redirect_uri"]]:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest())
        if challenge.rstrip(b"=").decode() != given["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe(16)
        self.access_tokens[access_token] = given["user"]
        found = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300, "refresh_token": "r-1"}
        if "openid" in given.get("scope", "").split():
            found["id_token"] = self.sign(self.claims(self._claims(given, access_token)))
        return 200, self.tokens(found)

    def _claims(self, given: dict[str, str], access_token: str) -> dict[str, Any]:
        now = int(self.now())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        return {
            "iss": self.issuer,
            "sub": given["user"],
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": given.get("nonce"),
            "at_hash": part(half),
            **self.user,
        }

    def _is_client(self, form: dict[str, list[str]], fields: dict[str, str]) -> bool:
        if self.public_client:
            return form.get("client_id") == [CLIENT] and "client_secret" not in form and "authorization" not in fields
        if "client_secret" in form:
            return form["client_id"] == [CLIENT] and form["client_secret"] == [CLIENT_SECRET]
        kind, _, written = fields.get("authorization", "").partition(" ")
        name, _, password = base64.b64decode(written).decode().partition(":")
        return kind == "Basic" and (unquote(name), unquote(password)) == (CLIENT, CLIENT_SECRET)


WITHOUT_OTHERS: dict[str, Any] = {"scope": None}
"""Claims for a token without the claim `scope`, which only access tokens have."""


@contextmanager
def providing(provider: Provider) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert provider.go.wait(20)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            fields = {name.lower(): value for name, value in self.headers.items()}
            status, found = provider.handle(self.command, urlsplit(self.path).path, parse_qs(body), fields)
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            with suppress(OSError):  # the client may have left
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Do not log to the standard error stream."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            provider.go.set()
            server.shutdown()
            thread.join()
