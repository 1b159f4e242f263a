"""Keep pydantic's secrets, such as `SecretStr`, when a patch changes the JSON of an object. Pydantic writes asterisks
instead of a secret, and these would replace each secret that a patch does not change. If the JSON had the secrets
themselves, a client could compare them with `test`, and read them with `copy`. So secrets are hidden while a patch is
applied, and restored afterwards.
"""

from typing import Any

import msgspec

ARRAYS = (list, tuple, set, frozenset)
"""The types of values that become arrays in JSON."""
Path = tuple[str | None, ...]
"""The path to a value: the names of members, and None for any item of an array."""


class MaskedSecret(str):
    """The asterisks that stand for a secret. The attribute `secret` has the secret itself, and `path` is the path to
    it.
    """

    secret: Any
    path: Path


def masked(document: Any, value: Any, path: Path = ()) -> Any:
    """Return the JSON of a value, with a `MaskedSecret` for each secret. `document` and `value` have the same parts in
    the same order, unless a user's serializer makes other parts for JSON.
    """
    if isinstance(document, dict) and isinstance(value, dict) and len(document) == len(value):
        parts = zip(document.items(), value.values(), strict=True)
        return {name: masked(each, part, (*path, name)) for (name, each), part in parts}
    if isinstance(document, list) and isinstance(value, ARRAYS) and len(document) == len(value):
        return [masked(each, part, (*path, None)) for each, part in zip(document, value, strict=True)]
    if not isinstance(document, str) or not hasattr(value, "get_secret_value"):
        return document
    secret = value.get_secret_value()
    hidden = MaskedSecret(document)
    hidden.secret = secret.decode("utf-8") if isinstance(secret, bytes) else msgspec.to_builtins(secret)
    hidden.path = path
    return hidden


def unmasked(document: Any, path: Path = ()) -> Any:
    """Restore each secret that is still at its place, or in another item of the same array. All other secrets stay
    hidden."""
    if isinstance(document, dict):
        return {name: unmasked(each, (*path, name)) for name, each in document.items()}
    if isinstance(document, list):
        return [unmasked(each, (*path, None)) for each in document]
    if isinstance(document, MaskedSecret):
        return document.secret if document.path == path else str(document)
    return document
