"""Calls handlers, and sends responses for what they return or raise.

Handlers are plain functions, coroutine functions, or functions that return Deferreds.
"""

from ropewalk.calling.awaitables import resolve
from ropewalk.calling.background import Background, CallsOfRequest
from ropewalk.calling.cleanups import Cleanups
from ropewalk.calling.coroutine_runner import CoroutineRunner, HandlerTask
from ropewalk.calling.default_error_responses import ErrorFormat, check_format, format_of
from ropewalk.calling.developer_pages import DeveloperPages
from ropewalk.calling.error_handlers import ErrorHandlers
from ropewalk.calling.failed_lookup import FailedLookup
from ropewalk.calling.failure_log import log_late, note_middleware
from ropewalk.calling.html_values import is_html
from ropewalk.calling.page_source import PageSource, apps_around, check_page_source
from ropewalk.calling.responding import close_dropped, fail, respond, respond_again, respond_to_error, send, send_value
from ropewalk.calling.root_task import RootTask
from ropewalk.calling.settling import known_types, remember_settled, settle_known, settle_plain
from ropewalk.calling.shortages import ShortageLog
from ropewalk.calling.stop_hooks import StopHooks
from ropewalk.calling.stopped_process import has_just_continued, note_continued
from ropewalk.calling.task import Task, call_hook, start
from ropewalk.calling.value_to_response import SentResponse
from ropewalk.calling.wrong_reactor import as_wrong_reactor

__all__ = [
    "Background",
    "CallsOfRequest",
    "Cleanups",
    "CoroutineRunner",
    "DeveloperPages",
    "ErrorFormat",
    "ErrorHandlers",
    "FailedLookup",
    "HandlerTask",
    "PageSource",
    "RootTask",
    "SentResponse",
    "ShortageLog",
    "StopHooks",
    "Task",
    "apps_around",
    "as_wrong_reactor",
    "call_hook",
    "check_format",
    "check_page_source",
    "close_dropped",
    "fail",
    "format_of",
    "has_just_continued",
    "is_html",
    "known_types",
    "log_late",
    "note_continued",
    "note_middleware",
    "remember_settled",
    "resolve",
    "respond",
    "respond_again",
    "respond_to_error",
    "send",
    "send_value",
    "settle_known",
    "settle_plain",
    "start",
]
