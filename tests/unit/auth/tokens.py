"""Tokens for tests, signed as an issuer does, or as an attacker does."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ISSUER = "https://issuer.example"
AUDIENCE = "hotel"
NOW = 1_800_000_000
SECRET = "0123456789abcdef" * 4
RSA = RSAKey.generate_key(2048)
OTHER_RSA = RSAKey.generate_key(2048)
ED25519 = OKPKey.generate_key("Ed25519")
ED448 = OKPKey.generate_key("Ed448")
P_256, P_384, P_521 = (ECKey.generate_key(curve) for curve in ("P-256", "P-384", "P-521"))
CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW + 300, "scope": "rooms:read"}


def part(value: Any) -> str:
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def token(key: Any, algorithm: str, claims: Any = None, **header: Any) -> str:
    """A token. Claims replace those of CLAIMS; None as a value removes one."""
    merged = claims
    if claims is None or isinstance(claims, dict):
        merged = {name: value for name, value in {**CLAIMS, **(claims or {})}.items() if value is not None}
    signed = f"{part({'alg': algorithm, **header})}.{part(merged)}"
    if isinstance(key, bytes):
        signature = hmac.digest(key, signed.encode(), hashlib.sha256)
    else:
        signature = JWSRegistry.algorithms[algorithm].sign(signed.encode(), key)
    return f"{signed}.{part(signature)}"


def secret_key(secret: str = SECRET) -> OctKey:
    return OctKey.import_key(secret)


def pem(key: Any) -> bytes:
    found: bytes = key.as_pem(private=False)
    return found


def public(key: Any, **more: Any) -> dict[str, Any]:
    """The public JWK."""
    return {**key.as_dict(private=False), **more}


def bearer(written: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {written}"}


class Issuer:
    """A JWKS server: what it sends, and how often it was called."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.url = ""
        self.calls = 0
        self.go = Event()
        """The server responds only when this is set."""
        self.go.set()
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.publish(*keys)

    def publish(self, *keys: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": keys}).encode()


@contextmanager
def serving(issuer: Issuer) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.calls += 1
            assert issuer.go.wait(10)
            self.send_response(issuer.status)
            for name, value in issuer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(issuer.body)))
            self.end_headers()
            with suppress(OSError):  # the client may have left
                self.wfile.write(issuer.body)

        def log_message(self, *_: Any) -> None:
            """Do not log to the standard error stream."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        issuer.url = f"http://127.0.0.1:{server.server_port}/jwks"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
