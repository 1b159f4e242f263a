"""The names that responses have in other test clients, for people who know these."""

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
    """A class whose missing attributes name those that it has instead."""

    if not TYPE_CHECKING:  # type checkers report missing names by themselves

        def __getattr__(self, name: str) -> Any:
            """Raises AttributeError, as for every name that is missing."""
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            ours = _OURS.get(name)
            raise AttributeError(message if ours is None else f"{message}. Here it is {ours}.", name=name, obj=self)
