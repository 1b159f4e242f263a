"""Names of attributes that responses have in other test clients, each with what to write here instead."""

from typing import Final

RESPONSE_NAMES: Final = {
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
