"""Values that a client keeps: it can read them, but not change them, because itsdangerous signs them."""

import hashlib
from typing import Any

from ropewalk.auth.packages import optional


class SignedValues:
    """Signs values for one purpose. It does not accept values that were signed for another purpose."""

    def __init__(self, secret: str | bytes | tuple[str | bytes, ...], *purpose: str) -> None:
        dangerous = optional("itsdangerous", "itsdangerous", "A login", extra="oauth")
        secrets = secret if isinstance(secret, tuple) else (secret,)
        self._bad_data = dangerous.BadData
        self._serializer = dangerous.URLSafeSerializer(
            list(reversed(secrets)),  # itsdangerous signs with the last secret
            salt="\n".join(("ropewalk.auth.oauth", *purpose)).encode(),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def write(self, value: Any) -> str:
        """Encode a value as JSON and sign it."""
        return str(self._serializer.dumps(value))

    def read(self, text: str | None) -> Any:
        """The value in a signed text; None without a text, or if the signature is invalid."""
        try:
            return None if text is None else self._serializer.loads(text)
        except self._bad_data:
            return None
