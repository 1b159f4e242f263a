"""Attribute names that responses have in other test clients. Using one here raises an error that names the attribute to
use instead."""

from typing import TYPE_CHECKING, Any, Final

_OURS: Final = {
    "status_code": "status",
    "content": "body",
    "data": "body",
    "get_data": "body",
    "get_json": "json()",
    "reason_phrase": "reason",
    "mimetype": 'headers["content-type"]',
    "content_type": 'headers["content-type"]',
    "location": 'headers["location"]',
    "ok": "raise_for_status()",
    "is_success": "raise_for_status()",
    "is_error": "raise_for_status()",
    "iter_bytes": "`for part in response`",
    "iter_content": "`for part in response`",
    "aiter_bytes": "`async for part in response`",
    "iter_lines": "lines()",
    "aiter_lines": "lines()",
    "read": "whole()",
    "aread": "whole()",
}


class OtherNames:
    """A base class. If an attribute is missing that other test clients have, its AttributeError names the attribute to
    use instead."""

    if not TYPE_CHECKING:  # with `__getattr__`, type checkers would not report missing names

        def __getattr__(self, name: str) -> Any:
            """Raise AttributeError. Python calls this method only for missing names."""
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            ours = _OURS.get(name)
            raise AttributeError(message if ours is None else f"{message}. Here it is {ours}.", name=name, obj=self)
