"""JSON of clients as values of a type."""

from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

import msgspec

from ropewalk.errors import BadBody, HTTPError

DEEPEST: Final = 200
"""Arrays and objects within each other that a body may have.

msgspec, and whatever takes a value apart afterwards, calls itself for each, and Python's bound is 1,000 calls, of which
`copy.deepcopy` takes two for each. .NET allows 64, Ruby 100, serde_json 128, PHP 512, Go 10,000.
"""

_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_PEELED: Final = 5
"""How often the innermost arrays and objects are removed. Mostly nothing is left then, and that is the fastest way."""
_UNSTRUCTURED: Final = bytes(set(range(256)) - {*_STEPS, ord('"')})


def read_json(body: bytes, kind: Any) -> Any:
    """A body as a value of a type.

    Raises BadBody (400) for what is not JSON or nested too deeply, and HTTPError 422 for a value that the type does not
    have.
    """
    if depth(body) > DEEPEST:
        raise BadBody(f"The body has arrays and objects more than {DEEPEST} deep.")
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise HTTPError(422, str(error)) from error
    except msgspec.DecodeError as error:
        raise BadBody(f"The body is not JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise BadBody("The body is not JSON: it is not UTF-8.") from error


def depth(body: bytes) -> int:
    """The most arrays and objects that are within each other, or a larger number that is no more than DEEPEST.

    As far as a body is JSON, it is taken apart correctly, so that no decoder gets deeper. The work is linear.
    """
    opened = body.count(b"[") + body.count(b"{")
    if opened <= DEEPEST:
        return opened
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = body.translate(None, _UNSTRUCTURED).replace(b'""', b"")  # nothing is lost by the end of one in the next
    structure = b"".join(structure.split(b'"')[::2])
    rest = structure
    for _ in range(_PEELED):
        rest = rest.replace(b"[]", b"").replace(b"{}", b"")
    if not rest:
        return 2 * _PEELED
    return max(accumulate(map(_STEPS.__getitem__, structure)), default=0)


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)
