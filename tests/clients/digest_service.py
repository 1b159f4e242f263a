"""A service with Digest: `ropewalk run tests/clients/digest_service.py`."""

import os

from ropewalk import App, Request
from ropewalk.auth import DigestAuth, DigestAuthOptions, DigestUser, authenticate

ALGORITHMS = tuple(os.environ.get("ALGORITHMS", "SHA-256").split())


def find(name: str) -> DigestUser | None:
    return DigestUser(principal=name, password="s3cret") if name in ("ada", "zoë") else None


app = App(
    middleware=[authenticate(DigestAuth(find, options=DigestAuthOptions(algorithms=ALGORITHMS), realm="the hotel"))]
)


@app.route("/{path:path}", methods=["GET", "POST"])
async def whoami(request: Request, path: str) -> str:
    return f"{request.state.authentication.principal} {await request.text()}"
