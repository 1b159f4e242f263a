"""The Authorization field of a call."""

from base64 import b64encode
from typing import Any

from ropewalk.client.errors import InvalidCall
from ropewalk.client.exchange import OutgoingRequest
from ropewalk.waiting import must_wait


def mistake_in(auth: Any) -> str | None:
    """What is wrong with credentials, as a sentence that does not show them. None if they are None, a user and a
    password, a token, or a function."""
    if auth is None or callable(auth):
        return None
    if isinstance(auth, str):
        if auth and auth.isascii() and auth.isprintable() and " " not in auth:
            return None
        return "The token in auth= is empty, or has spaces or characters that are not ASCII."
    if not isinstance(auth, tuple) or len(auth) != 2 or not all(isinstance(each, str) for each in auth):
        return "auth= must be a token, a tuple of a user and a password, or a function."
    if any("\ud800" <= letter <= "\udfff" for part in auth for letter in part):
        return "The user or the password in auth= has half of a surrogate pair, which UTF-8 cannot encode."
    if ":" in auth[0]:
        return "The user in auth= has a colon, which Basic does not allow (RFC 7617, section 2)."
    return None


def check_auth(auth: Any) -> None:
    """Raises InvalidCall (RW357) unless credentials are None, a user and a password, a token, or a function."""
    mistake = mistake_in(auth)
    if mistake is not None:
        raise InvalidCall(mistake)


async def authorization(auth: Any, request: OutgoingRequest) -> str | None:
    """The value of the Authorization field for the credentials of a request. Raises InvalidCall (RW357) if a function
    does not return a token."""
    if callable(auth):
        auth = auth()
        if must_wait(auth):
            auth = await auth
        mistake = mistake_in(auth) if isinstance(auth, str) else "The function in auth= did not return a token as str."
        if mistake is not None:
            raise InvalidCall(mistake, method=request.method, url=str(request.url))
    if auth is None:
        return None
    if isinstance(auth, str):
        return f"Bearer {auth}"
    return f"Basic {b64encode(':'.join(auth).encode()).decode()}"
