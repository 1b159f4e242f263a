"""The response to a request: its status, its header fields, and its body, which has any type that a handler may
return."""

from ropewalk.response.body_checks import check_unicode
from ropewalk.response.body_type import Value
from ropewalk.response.exact_response import ExactResponse
from ropewalk.response.json_encoding import encode_json, to_json
from ropewalk.response.late_response import LateResponse
from ropewalk.response.media_types import BYTES, HTML, JSON, KNOWN_TYPES, PROBLEM, TEXT, file_type
from ropewalk.response.redirects import see_other
from ropewalk.response.response import REDIRECTS, Response
from ropewalk.response.unawaited import forget

__all__ = [
    "BYTES",
    "HTML",
    "JSON",
    "KNOWN_TYPES",
    "PROBLEM",
    "REDIRECTS",
    "TEXT",
    "ExactResponse",
    "LateResponse",
    "Response",
    "Value",
    "check_unicode",
    "encode_json",
    "file_type",
    "forget",
    "see_other",
    "to_json",
]

for _class in (Response, ExactResponse, LateResponse):
    _class.__module__ = __name__  # the package from which users import it
