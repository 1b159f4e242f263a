"""Values that a client keeps and cannot change, by itsdangerous. The client can read them."""

import hashlib
from typing import Any

from ropewalk.auth.packages import optional


class SignedValues:
    """Signs values for one purpose: a value of another purpose, or of another client of a provider, is not accepted."""

    def __init__(self, secret: str | bytes | tuple[str | bytes, ...], *purpose: str) -> None:
        dangerous = optional("itsdangerous", "itsdangerous", "A login", extra="oauth")
        secrets = secret if isinstance(secret, tuple) else (secret,)
        self._bad_data = dangerous.BadData
        self._serializer = dangerous.URLSafeSerializer(
            list(reversed(secrets)),  # the last one signs
            salt="\n".join(("ropewalk.auth.oauth", *purpose)).encode(),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def write(self, value: Any) -> str:
        """The signed text of a value of JSON."""
        return str(self._serializer.dumps(value))

    def read(self, text: str | None) -> Any:
        """The value; None if it is absent, or not signed by us."""
        try:
            return None if text is None else self._serializer.loads(text)
        except self._bad_data:
            return None
