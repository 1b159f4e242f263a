"""The one place that knows plain, Deferred and coroutine handlers, what they may await, and what they may return."""

from ropewalk.calling.answering import (
    close_dropped,
    deliver,
    fail,
    log_late,
    plain_error,
    respond,
    respond_to_error,
    send,
)
from ropewalk.calling.driving import Driver, HandlerTask
from ropewalk.calling.error_handlers import ErrorHandlers
from ropewalk.calling.reports import Unreached, blame_middleware
from ropewalk.calling.root_task import RootTask
from ropewalk.calling.scarcity import Scarcity
from ropewalk.calling.settling import is_settled, settle_plain
from ropewalk.calling.stop_hooks import StopHooks
from ropewalk.calling.task import Task, call_hook, start

__all__ = [
    "Driver",
    "ErrorHandlers",
    "HandlerTask",
    "RootTask",
    "Scarcity",
    "StopHooks",
    "Task",
    "Unreached",
    "blame_middleware",
    "call_hook",
    "close_dropped",
    "deliver",
    "fail",
    "is_settled",
    "log_late",
    "plain_error",
    "respond",
    "respond_to_error",
    "send",
    "settle_plain",
    "start",
]
