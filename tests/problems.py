"""The bodies of responses to errors for which no error handler is registered."""

import json
from typing import Any

from ropewalk.errors import phrase


def problem(status: int, detail: str | None = None, **members: Any) -> str:
    """The problem details that a client without a preference gets."""
    title = phrase(status)
    whole = {"type": "about:blank", "title": title, "status": status, "detail": detail or title, **members}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
